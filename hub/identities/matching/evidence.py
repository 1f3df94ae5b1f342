"""Evidence for pairs of people: equal addresses and logins, weighted by their names."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from hub.identities.matching.addresses import is_public_domain
from hub.identities.matching.folding import fold_name
from hub.identities.matching.names import NameRelation
from hub.identities.matching.profiles import Profile, compare_profiles, parse_mailbox_name
from hub.identities.matching.suggestions import Source

EMPLOYEE_NUMBER = re.compile(r"[a-z]{0,3}\d{4,}")
DISTINCTIVE_SURNAME_LENGTH_MIN = (
    4  # letters of a surname that make a login or a mailbox a person's own
)


class Level(IntEnum):
    """The strength of evidence; a pair can be suggested from NAME on."""

    DISPUTED = 0  # the same address or login, but another name
    WEAK = 1
    NAME = 2
    LOGIN = 3
    EMAIL = 4


@dataclass(frozen=True, slots=True)
class Evidence:
    local: Profile
    remote: Profile
    level: Level
    source: Source
    reason: str
    confidence: float
    relation: NameRelation


EMAIL_CONFIDENCE = {
    NameRelation.EXACT: 0.99,
    NameRelation.VARIANT: 0.98,
    NameRelation.SIMILAR: 0.97,
    NameRelation.UNKNOWN: 0.95,
    NameRelation.PARTIAL: 0.96,
}
LOGIN_CONFIDENCE = {
    NameRelation.EXACT: 0.96,
    NameRelation.VARIANT: 0.95,
    NameRelation.SIMILAR: 0.92,
}
OTHER_COMPANY = "other_company"  # the reason why a namesake is left to a person
RENAMED_BY_EMAIL, RENAMED_BY_LOGIN, NAMED_BY_MAILBOX, BY_NUMBER = 0.92, 0.9, 0.91, 0.94


def weigh_email(
    local: Profile, remote: Profile, key: str, reason: str, is_given: Callable[[str], bool]
) -> Evidence:
    """Build the evidence of two people with one personal address, normalized as `key`."""
    relation = compare_profiles(local, remote, is_given)
    mailbox = key.partition("@")[0]

    def build(level: Level, reason: str, confidence: float) -> Evidence:
        return Evidence(local, remote, level, "email", reason, confidence, relation)

    if relation in EMAIL_CONFIDENCE:
        return build(Level.EMAIL, reason, EMAIL_CONFIDENCE[relation])
    if relation is NameRelation.GIVEN_ONLY and is_distinctive(mailbox, local, remote):
        return build(Level.EMAIL, "email_renamed", RENAMED_BY_EMAIL)
    if relation is NameRelation.SURNAME_ONLY and is_named_by_mailbox(local, remote):
        return build(Level.EMAIL, reason, NAMED_BY_MAILBOX)
    return build(Level.DISPUTED, "name_differs", 0.5)


def weigh_login(
    local: Profile, remote: Profile, login: str, reason: str, is_given: Callable[[str], bool]
) -> Evidence:
    """Build the evidence of two people with the same login, or the other's mailbox."""
    relation = compare_profiles(local, remote, is_given)

    def build(level: Level, reason: str, confidence: float) -> Evidence:
        return Evidence(local, remote, level, "login", reason, confidence, relation)

    if relation is NameRelation.SIMILAR and have_different_addresses(local, remote):
        return build(Level.WEAK, "similar_name", 0.6)
    if relation in LOGIN_CONFIDENCE and are_at_different_companies(local, remote):
        return build(Level.WEAK, OTHER_COMPANY, 0.6)
    if relation in LOGIN_CONFIDENCE:
        return build(Level.LOGIN, reason, LOGIN_CONFIDENCE[relation])
    if relation is NameRelation.GIVEN_ONLY and is_distinctive(login, local, remote):
        return build(Level.LOGIN, "login_renamed", RENAMED_BY_LOGIN)
    if EMPLOYEE_NUMBER.fullmatch(login) and relation in (
        NameRelation.UNKNOWN,
        NameRelation.PARTIAL,
    ):
        return build(Level.LOGIN, reason, BY_NUMBER)
    if relation in (NameRelation.UNKNOWN, NameRelation.PARTIAL):
        return build(Level.WEAK, "weak", 0.6)
    return build(Level.DISPUTED, "name_differs", 0.4)


def is_distinctive(text: str, local: Profile, remote: Profile) -> bool:
    """Return whether a mailbox or login identifies one person: by a surname or a number."""
    folded = fold_name(text)
    if EMPLOYEE_NUMBER.fullmatch(text):
        return True
    surnames = {
        word
        for name in (local.name, remote.name)
        for word in name.words
        if word != name.given_name and len(word) >= DISTINCTIVE_SURNAME_LENGTH_MIN
    }
    return any(word[:DISTINCTIVE_SURNAME_LENGTH_MIN] in folded for word in surnames)


def is_named_by_mailbox(local: Profile, remote: Profile) -> bool:
    """Return whether an address contains the whole name of one of the two people."""
    for profile in (local, remote):
        named = parse_mailbox_name(profile.address) if profile.address else None
        if named:
            return any(set(named.words) == set(other.name.words) for other in (local, remote))
    return False


def are_at_different_companies(local: Profile, remote: Profile) -> bool:
    """Return whether both have addresses of companies, and none at the same domain."""
    ours, theirs = (
        {
            domain
            for key in profile.addresses
            if not is_public_domain(domain := key.rpartition("@")[2])
        }
        for profile in (local, remote)
    )
    return bool(ours and theirs) and ours.isdisjoint(theirs)


def have_different_addresses(local: Profile, remote: Profile) -> bool:
    """Return whether both have addresses at the same domain, and none in common."""
    if not local.addresses or not remote.addresses or local.addresses & remote.addresses:
        return False
    domains = {key.rpartition("@")[2] for key in local.addresses}
    return any(key.rpartition("@")[2] in domains for key in remote.addresses)
