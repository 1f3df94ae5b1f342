"""Pairs by name, among the people whom no address and no login has paired.

A name is enough only if namesakes are improbable: a namesake of someone who is missing on one side
would be a wrong pair.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from hub.identities.matching.claims import Claims
from hub.identities.matching.evidence import (
    Evidence,
    Level,
    have_different_addresses,
)
from hub.identities.matching.names import NameRelation
from hub.identities.matching.profiles import Profile, compare_profiles
from hub.identities.matching.statistics import NameStatistics

R = NameRelation
BLOCK_MAX = 400  # open people with one word in their names; a longer list is too common to compare
WRONG_MAX = 0.01  # the probability of a wrong pair that is accepted
NAMESAKES_MAX = 0.5  # expected, however many people are on both sides
OVERLAP_UNKNOWN, OVERLAP_MIN, OVERLAP_MAX = 0.8, 0.5, 0.98
OVERLAP_SAMPLE_MIN = 20
OVERLAP_OF_DIFFERENT_ADDRESSES = 0.5
SAME_MAILBOX_CHANCE = 0.05  # that namesakes at two domains have the same mailbox
MAILBOX_LENGTH_MIN = 4
CONFIDENCE = {R.EXACT: 0.9, R.VARIANT: 0.85}
WEAK_CONFIDENCE = {R.EXACT: 0.6, R.VARIANT: 0.5, R.SIMILAR: 0.4}


def match_names(
    local: Sequence[Profile],
    remote: Sequence[Profile],
    statistics: NameStatistics,
    claims: Claims,
) -> Iterator[Evidence]:
    """Yield evidence of pairs whose names fit, of level NAME where it is enough by itself."""
    ours = [entry for entry in local if entry.id not in claims.claimed_local and not entry.is_role]
    theirs = [
        entry for entry in remote if entry.id not in claims.claimed_remote and not entry.is_role
    ]
    fitting = list(_find_fitting(ours, theirs, statistics))
    rivals_of_local = Counter(entry.local.id for entry in fitting if _counts(entry))
    rivals_of_remote = Counter(entry.remote.id for entry in fitting if _counts(entry))
    namesakes = _Namesakes(local, remote)
    judge = _NameJudge(local, remote, len(theirs), statistics, claims)
    for entry in fitting:
        is_unique = (
            rivals_of_local[entry.local.id] == 1
            and rivals_of_remote[entry.remote.id] == 1
            and namesakes.are_balanced(entry)
            and not claims.is_contested(entry)
        )
        yield judge.raise_level(entry) if is_unique else entry


def _counts(entry: Evidence) -> bool:
    """Return whether a pair makes another one of the same person doubtful."""
    return entry.remote.is_active or entry.relation is R.EXACT


def _find_fitting(
    local: Sequence[Profile], remote: Sequence[Profile], statistics: NameStatistics
) -> Iterator[Evidence]:
    """Yield the pairs of open people whose names may be one."""
    by_word: Mapping[str, list[Profile]] = _group_by_words(remote)
    for ours in local:
        names = ours.list_names(with_mailbox=True)
        words = {word for name in names for word in name.words}
        near = {
            theirs.id: theirs
            for word in words
            if len(by_word.get(word, ())) <= BLOCK_MAX
            for theirs in by_word.get(word, ())
        }
        for id in sorted(near):
            relation = compare_profiles(ours, near[id], statistics.is_given, with_mailboxes=True)
            if relation >= R.SIMILAR:
                yield _build_weak(ours, near[id], relation)


def _group_by_words(profiles: Sequence[Profile]) -> dict[str, list[Profile]]:
    groups: dict[str, list[Profile]] = defaultdict(list)
    for profile in profiles:
        names = profile.list_names(with_mailbox=True)
        for word in {word for name in names for word in name.words if len(word) > 1}:
            groups[word].append(profile)
    return groups


def _build_weak(local: Profile, remote: Profile, relation: NameRelation) -> Evidence:
    reason = "similar_name" if relation is R.SIMILAR else "common_name"
    confidence = WEAK_CONFIDENCE[relation]
    return Evidence(local, remote, Level.WEAK, "name", reason, confidence, relation)


class _Namesakes:
    """How many people of each side have one name, whether they are paired or not."""

    def __init__(self, local: Sequence[Profile], remote: Sequence[Profile]) -> None:
        self._local = Counter(frozenset(entry.name.words) for entry in local)
        self._remote = Counter(frozenset(entry.name.words) for entry in remote)

    def are_balanced(self, entry: Evidence) -> bool:
        """Return whether both sides have as many people of each of both names."""
        if entry.relation is not R.EXACT:
            return True
        words = frozenset(entry.local.name.words)
        return self._local[words] == self._remote[words]


class _NameJudge:
    """Decides whether a name is enough, by how common it is."""

    def __init__(
        self,
        local: Sequence[Profile],
        remote: Sequence[Profile],
        open_count: int,
        statistics: NameStatistics,
        claims: Claims,
    ) -> None:
        self.overlap = estimate_overlap(local, remote, claims)
        self.open_count = open_count
        self.statistics = statistics

    def raise_level(self, entry: Evidence) -> Evidence:
        """Return the evidence as enough to suggest the pair, if namesakes are improbable."""
        if entry.relation not in CONFIDENCE:
            return entry
        expected = self._expect_namesakes(entry)
        overlap = self.overlap
        if have_different_addresses(entry.local, entry.remote):
            overlap = OVERLAP_OF_DIFFERENT_ADDRESSES
        wrong = expected * (1 - overlap) / overlap
        if expected > NAMESAKES_MAX or wrong > WRONG_MAX:
            return entry
        reason = "name" if entry.relation is R.EXACT else "name_variant"
        return replace(
            entry, level=Level.NAME, reason=reason, confidence=CONFIDENCE[entry.relation]
        )

    def _expect_namesakes(self, entry: Evidence) -> float:
        expected = self.statistics.expect_namesakes(
            entry.local.name, entry.remote.name, self.open_count
        )
        first, second = entry.local.address, entry.remote.address
        if first and second and first.mailbox == second.mailbox:
            is_telling = len(first.mailbox) >= MAILBOX_LENGTH_MIN
            return expected * SAME_MAILBOX_CHANCE if is_telling else expected
        return expected


def estimate_overlap(local: Sequence[Profile], remote: Sequence[Profile], claims: Claims) -> float:
    """Estimate which share of our people have an account on the other side, by those who have an
    address.
    """
    with_address = [entry for entry in local if entry.is_active and entry.address]
    share = sum(entry.address is not None for entry in remote) / max(len(remote), 1)
    expected = len(with_address) * share
    if expected < OVERLAP_SAMPLE_MIN:
        return OVERLAP_UNKNOWN
    by_email = sum(
        pair.level is Level.EMAIL and pair.local.address is not None
        for pair in claims.pairs.values()
    )
    return min(max(by_email / expected, OVERLAP_MIN), OVERLAP_MAX)
