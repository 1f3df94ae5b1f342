"""Find domains of one company: proven by people with the same mailbox at both."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from hub.identities.matching.addresses import Address
from hub.identities.matching.names import NameRelation
from hub.identities.matching.profiles import Profile, compare_profiles
from hub.identities.matching.statistics import NameStatistics

SHARED_MAILBOXES_MIN = 3  # people with the same mailbox and name at both domains
# of the people at the smaller of two domains, unless both sides use both: at another company,
# namesakes are a minority
PROOF_SHARE_MIN = 0.5
CONTRADICTION_SHARE_MAX = 0.02  # of the proofs: the same mailbox, and another name
DomainPair = tuple[str, str]  # ours and theirs


def find_same_domains(
    local: Sequence[Profile], remote: Sequence[Profile], statistics: NameStatistics
) -> Mapping[str, str]:
    """Return the first domain of a company for each of its other domains.

    A mailbox counts only if one person of each side has it. Domains of mail providers belong to no
    company.
    """
    proofs: dict[DomainPair, int] = defaultdict(int)
    contradictions: dict[DomainPair, int] = defaultdict(int)
    remote_by_mailbox = _group_by_mailbox(remote)
    for mailbox, ours in _group_by_mailbox(local).items():
        theirs = remote_by_mailbox.get(mailbox, [])
        for first in ours:
            for second in theirs:
                pair = _get_domains(first.address, second.address)
                if pair is None:
                    continue
                relation = compare_profiles(first, second, statistics.is_given)
                if relation >= NameRelation.VARIANT:
                    proofs[pair] += 1
                elif relation in (NameRelation.DIFFERENT, NameRelation.SURNAME_ONLY):
                    contradictions[pair] += 1
    our_sizes, their_sizes = _count_people(local), _count_people(remote)
    proven = [
        (ours, theirs)
        for (ours, theirs), count in proofs.items()
        if count >= SHARED_MAILBOXES_MIN
        and (
            (our_sizes[theirs] and their_sizes[ours])
            or count >= min(our_sizes[ours], their_sizes[theirs]) * PROOF_SHARE_MIN
        )
        and contradictions[ours, theirs] <= count * CONTRADICTION_SHARE_MAX
    ]
    return _join_domains(proven)


def _count_people(profiles: Iterable[Profile]) -> Counter[str]:
    """Return the number of active people at each domain."""
    return Counter(
        profile.address.domain for profile in profiles if profile.address and profile.is_active
    )


def _group_by_mailbox(profiles: Iterable[Profile]) -> dict[str, list[Profile]]:
    groups: dict[str, list[Profile]] = defaultdict(list)
    for profile in profiles:
        if profile.address and not profile.address.is_public:
            groups[profile.address.mailbox].append(profile)
    return groups


def _get_domains(first: Address | None, second: Address | None) -> DomainPair | None:
    if first is None or second is None or first.domain == second.domain:
        return None
    return first.domain, second.domain


def _join_domains(pairs: Iterable[DomainPair]) -> dict[str, str]:
    """Return the first domain of each domain's group, in alphabetical order."""
    first: dict[str, str] = {}

    def find(domain: str) -> str:
        while (parent := first.get(domain, domain)) != domain:
            domain = parent
        return domain

    for one, other in sorted(pairs):
        low, high = sorted((find(one), find(other)))
        if low != high:
            first[high] = low
    return {domain: find(domain) for domain in list(first)}


def move_domains(profile: Profile, same_domains: Mapping[str, str]) -> Profile:
    """Return the profile with each address moved to the first of its company's domains."""
    if not same_domains:
        return profile
    return replace(
        profile,
        addresses=frozenset(_move_key(key, same_domains) for key in profile.addresses),
    )


def _move_key(key: str, same_domains: Mapping[str, str]) -> str:
    mailbox, _, domain = key.rpartition("@")
    return f"{mailbox}@{same_domains.get(domain, domain)}"
