"""A person as the matcher compares them: parsed names, addresses and logins."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from connectors.directories import Person
from hub.identities.matching.addresses import Address, parse_address
from hub.identities.matching.folding import fold_text
from hub.identities.matching.mailboxes import is_role_mailbox, is_role_title
from hub.identities.matching.names import Name, NameRelation, compare_names, parse_name

MAILBOX_SEPARATORS = re.compile(r"[._-]+")
DIGITS_AT_END = re.compile(r"\d+$")
LOGIN_LENGTH_MIN = 3


@dataclass(frozen=True, slots=True)
class Profile:
    """The compared properties of one person. Role addresses are separate: they identify nobody."""

    person: Person
    name: Name
    other_names: tuple[Name, ...]
    mailbox_name: Name | None  # the name in the main address, if it can be theirs
    address: Address | None  # the main one, if it is personal
    addresses: frozenset[str]  # keys of all personal ones
    role_addresses: frozenset[str]
    logins: frozenset[str]
    is_role: bool

    @property
    def id(self) -> str:
        return self.person.id

    def list_names(self, *, with_mailbox: bool) -> tuple[Name, ...]:
        """Return the names, the main one first."""
        named = (self.mailbox_name,) if with_mailbox and self.mailbox_name else ()
        return (self.name, *self.other_names, *named)

    @property
    def is_active(self) -> bool:
        return self.person.is_active


def build_profile(person: Person) -> Profile:
    given = [person.email, *(alias for alias in (*person.aliases, person.login) if "@" in alias)]
    parsed = [address for address in map(parse_address, given) if address]
    personal = [entry for entry in parsed if not is_role_mailbox(entry.mailbox, person.name)]
    main = parse_address(person.email)
    name = parse_name(person.name)
    return Profile(
        person,
        name,
        tuple(_find_other_names(person, name)),
        _find_mailbox_name(name, main if main in personal else None),
        main if main in personal else None,
        frozenset(entry.key for entry in personal),
        frozenset(entry.key for entry in parsed if entry not in personal),
        frozenset(_find_logins(person)),
        person.is_bot or is_role_title(person.name),
    )


def _find_other_names(person: Person, name: Name) -> Iterable[Name]:
    """Yield other whole names of a person."""
    for text in person.other_names:
        other = parse_name(text)
        if len(other.words) > 1 and other.words != name.words:
            yield other


def _find_mailbox_name(name: Name, address: Address | None) -> Name | None:
    """Return the name in an address, unless another person has it: addresses are passed on."""
    named = parse_mailbox_name(address) if address else None
    if named is None or named.words == name.words:
        return None
    relation = compare_names(name, named, lambda word: False)
    is_theirs = relation is NameRelation.UNKNOWN or relation > NameRelation.SURNAME_ONLY
    return named if is_theirs else None


def parse_mailbox_name(address: Address) -> Name | None:
    """Parse the name in an address such as ann.archer2@…; None if it contains no whole name."""
    parts = [DIGITS_AT_END.sub("", part) for part in MAILBOX_SEPARATORS.split(address.mailbox)]
    if len(parts) < 2 or not all(part.isalpha() for part in parts):
        return None
    name = parse_name(" ".join(parts))
    return name if len(name.words) > 1 and min(map(len, name.words)) > 1 else None


def _find_logins(person: Person) -> Iterable[str]:
    for text in (person.login, *person.aliases):
        login = fold_text(text).strip()
        if "@" not in login and len(login) >= LOGIN_LENGTH_MIN:
            yield login


def compare_profiles(
    first: Profile,
    second: Profile,
    is_given: Callable[[str], bool],
    *,
    with_mailboxes: bool = False,
) -> NameRelation:
    """Return the closest relation of any of their names; other names give a variant at best.

    `with_mailboxes`: include the names in addresses.
    """
    main = compare_names(first.name, second.name, is_given)
    if main is NameRelation.EXACT:
        return main
    relations = [
        compare_names(name, other, is_given)
        for name in first.list_names(with_mailbox=with_mailboxes)
        for other in second.list_names(with_mailbox=with_mailboxes)
    ]
    return max(main, min(max(relations), NameRelation.VARIANT))
