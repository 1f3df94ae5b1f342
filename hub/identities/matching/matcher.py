"""Match two lists of people: by address, then by login, then by name.

People who are paired in one stage are not considered in later, weaker stages. A pair that is not
clearly the best for both people is not suggested, but left to a person.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from connectors.directories import Person
from hub.identities.matching.claims import Claims
from hub.identities.matching.domains import find_same_domains, move_domains
from hub.identities.matching.evidence import Evidence, Level, weigh_email, weigh_login
from hub.identities.matching.name_matching import match_names
from hub.identities.matching.names import NameRelation
from hub.identities.matching.profiles import Profile, build_profile, compare_profiles
from hub.identities.matching.statistics import NameStatistics
from hub.identities.matching.suggestions import BEST_IS_PAIRED, Candidate, Suggestion

PEOPLE_PER_KEY_MAX = 20  # people of one side with one address or login; more are not compared
CANDIDATES_MAX = 10
SHARED_MAILBOX_CONFIDENCE = 0.2


def match_people(
    local: Iterable[Person],
    remote: Iterable[Person],
    *,
    confirmed: Mapping[str, str] | None = None,
    ignored: Collection[str] = (),
) -> list[Suggestion]:
    """Return a suggestion for each active person of `local` who is neither confirmed nor ignored.

    `confirmed` are pairs of ids that a person has decided, `ignored` ids of `local`. The result
    does not depend on the order of the people.
    """
    confirmed = confirmed or {}
    people = _Directories(local, remote)
    claims = Claims(confirmed, ignored)
    claims.add(_weigh_addresses(people), Level.EMAIL)
    claims.add(_list_shared_addresses(people), Level.EMAIL)
    claims.add(_weigh_logins(people), Level.LOGIN)
    claims.add(match_names(people.local, people.remote, people.statistics, claims), Level.NAME)
    return [
        _build_suggestion(profile, claims)
        for profile in people.local
        if profile.is_active and profile.id not in confirmed and profile.id not in ignored
    ]


class _Directories:
    """Both lists as profiles, sorted by id, with statistics of their names and domains."""

    def __init__(self, local: Iterable[Person], remote: Iterable[Person]) -> None:
        ours = [build_profile(person) for person in sorted(local, key=lambda entry: entry.id)]
        theirs = [build_profile(person) for person in sorted(remote, key=lambda entry: entry.id)]
        self.statistics = NameStatistics(ours, theirs)
        same_domains = find_same_domains(ours, theirs, self.statistics)
        self.local = [move_domains(profile, same_domains) for profile in ours]
        self.remote = [move_domains(profile, same_domains) for profile in theirs]
        self.shared_keys = find_shared_addresses(self.local, self.statistics)
        self.shared_keys |= find_shared_addresses(self.remote, self.statistics)


def find_shared_addresses(profiles: Sequence[Profile], statistics: NameStatistics) -> set[str]:
    """Return the addresses that several different people of one list share."""
    users: dict[str, list[Profile]] = defaultdict(list)
    for profile in profiles:
        for key in profile.addresses:
            users[key].append(profile)
    return {
        key
        for key, sharing in users.items()
        if len(sharing) > 1 and not _is_one_person(sharing, statistics)
    }


def _is_one_person(profiles: Sequence[Profile], statistics: NameStatistics) -> bool:
    """Return whether profiles are accounts of one person, only one of which is used."""
    first, *others = profiles
    is_same = all(
        compare_profiles(first, other, statistics.is_given) >= NameRelation.VARIANT
        for other in others
    )
    return is_same and sum(profile.is_active for profile in profiles) <= 1


# --- addresses and logins -------------------------------------------------------------------------


def _weigh_addresses(people: _Directories) -> Iterator[Evidence]:
    ours = _group_by_keys((profile, profile.addresses) for profile in people.local)
    theirs = _group_by_keys((profile, profile.addresses) for profile in people.remote)
    seen: set[tuple[str, str]] = set()
    for key in sorted(ours.keys() & theirs.keys() - people.shared_keys):
        for first, second in _iterate_pairs(ours[key], theirs[key]):
            if (first.id, second.id) not in seen and not (first.is_role or second.is_role):
                seen.add((first.id, second.id))
                reason = _describe_address(first, second)
                yield weigh_email(first, second, key, reason, people.statistics.is_given)


def _list_shared_addresses(people: _Directories) -> Iterator[Evidence]:
    """Yield the people who share a mailbox, which is no evidence by itself."""
    ours = _group_by_keys((profile, _list_shared_keys(profile, people)) for profile in people.local)
    theirs = _group_by_keys(
        (profile, _list_shared_keys(profile, people)) for profile in people.remote
    )
    for key in sorted(ours.keys() & theirs.keys()):
        for first, second in _iterate_pairs(ours[key], theirs[key]):
            relation = compare_profiles(first, second, people.statistics.is_given)
            yield Evidence(
                first,
                second,
                Level.WEAK,
                "email",
                "shared_mailbox",
                SHARED_MAILBOX_CONFIDENCE,
                relation,
            )


def _list_shared_keys(profile: Profile, people: _Directories) -> Iterable[str]:
    return profile.role_addresses | (profile.addresses & people.shared_keys)


def _describe_address(first: Profile, second: Profile) -> str:
    if first.address is None or second.address is None or first.address == second.address:
        return "email" if first.address and second.address else "alias"
    is_moved = first.address.mailbox == second.address.mailbox
    return "other_domain" if is_moved else "alias"


def _weigh_logins(people: _Directories) -> Iterator[Evidence]:
    """Build the evidence of logins that are equal, or the mailbox of the other's address."""
    keys = [
        (people.local, _list_logins, people.remote, _list_logins, "login"),
        (people.local, _list_logins, people.remote, _list_mailboxes, "mailbox_login"),
        (people.local, _list_mailboxes, people.remote, _list_logins, "mailbox_login"),
    ]
    best: dict[tuple[str, str], Evidence] = {}
    for local, list_ours, remote, list_theirs, reason in keys:
        ours = _group_by_keys((profile, list_ours(profile)) for profile in local)
        theirs = _group_by_keys((profile, list_theirs(profile)) for profile in remote)
        for login in sorted(ours.keys() & theirs.keys()):
            for first, second in _iterate_pairs(ours[login], theirs[login]):
                if not (first.is_role or second.is_role):
                    found = weigh_login(first, second, login, reason, people.statistics.is_given)
                    known = best.get((first.id, second.id))
                    if known is None or found.level > known.level:
                        best[first.id, second.id] = found
    yield from best.values()


def _list_logins(profile: Profile) -> Iterable[str]:
    return profile.logins


def _list_mailboxes(profile: Profile) -> Iterable[str]:
    return {key.partition("@")[0] for key in profile.addresses}


def _group_by_keys(
    entries: Iterable[tuple[Profile, Iterable[str]]],
) -> dict[str, list[Profile]]:
    groups: dict[str, list[Profile]] = defaultdict(list)
    for profile, keys in entries:
        for key in keys:
            groups[key].append(profile)
    return groups


def _iterate_pairs(
    local: Sequence[Profile], remote: Sequence[Profile]
) -> Iterator[tuple[Profile, Profile]]:
    if max(len(local), len(remote)) <= PEOPLE_PER_KEY_MAX:
        for first in local:
            for second in remote:
                yield first, second


# --- the results ----------------------------------------------------------------------------------


def _build_suggestion(profile: Profile, claims: Claims) -> Suggestion:
    claimed = claims.pairs.get(profile.id)
    if claimed is not None and claimed.remote.is_active:
        return Suggestion(profile.id, "suggested", claimed.reason, (_build_candidate(claimed),))
    if claimed is not None:
        return Suggestion(profile.id, "ambiguous", "deactivated", (_build_candidate(claimed),))
    found = [entry for entry in claims.by_local[profile.id] if claims.is_available(entry)]
    candidates = tuple(map(_build_candidate, _rank(found)))
    if not candidates:
        is_rival_paired = bool(claims.rivals_of_local[profile.id])
        return Suggestion(profile.id, "unmatched", BEST_IS_PAIRED if is_rival_paired else "")
    is_rival_paired = any(map(claims.has_paired_rival, found))
    reason = BEST_IS_PAIRED if is_rival_paired else _explain(found)
    return Suggestion(profile.id, "ambiguous", reason, candidates)


def _build_candidate(entry: Evidence) -> Candidate:
    return Candidate(entry.remote.id, entry.source, entry.reason, entry.confidence)


def _rank(evidence: Iterable[Evidence]) -> list[Evidence]:
    """Return the strongest evidence for each person, sorted from the most likely person."""
    best: dict[str, Evidence] = {}
    for entry in evidence:
        known = best.get(entry.remote.id)
        if known is None or (entry.level, entry.confidence) > (known.level, known.confidence):
            best[entry.remote.id] = entry

    def order(entry: Evidence) -> tuple[float, ...]:
        return (-entry.remote.is_active, -entry.confidence, -entry.relation)

    return sorted(best.values(), key=lambda entry: (order(entry), entry.remote.id))[:CANDIDATES_MAX]


def _explain(evidence: Sequence[Evidence]) -> str:
    """Return the reason code that explains why a person has to decide."""
    if any(entry.level is Level.DISPUTED for entry in evidence):
        return "name_differs"
    if all(entry.reason == "shared_mailbox" for entry in evidence):
        return "shared_mailbox"
    if len({entry.remote.id for entry in evidence}) > 1:
        return "two_candidates"
    if evidence[0].level >= Level.LOGIN:
        return "two_to_one"
    return evidence[0].reason
