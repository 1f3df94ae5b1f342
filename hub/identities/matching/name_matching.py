"""Match people by name who are not paired by address or login.

A name is enough only if namesakes are improbable, as a namesake of someone missing on one side
would be a wrong pair. The probability is derived from the frequency of the words in the name.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from hub.identities.matching.claims import Claims
from hub.identities.matching.evidence import (
    OTHER_COMPANY,
    Evidence,
    Level,
    are_at_different_companies,
    have_different_addresses,
)
from hub.identities.matching.names import NameRelation
from hub.identities.matching.profiles import Profile, compare_profiles
from hub.identities.matching.statistics import NameStatistics

# open people with one word in their names; a longer list is too common to compare
COMPARED_PEOPLE_MAX = 400
WRONG_PAIR_PROBABILITY_MAX = 0.04  # the probability of a wrong pair that is accepted
WRONG_PAIR_SHARE_MAX = 0.003  # of all suggested pairs, the share that is expected to be wrong
EXPECTED_NAMESAKES_MAX = 0.5  # expected, however many people are on both sides
OVERLAP_UNKNOWN, OVERLAP_MIN, OVERLAP_MAX = 0.8, 0.5, 0.98
OVERLAP_SAMPLE_MIN = 20
OVERLAP_OF_DIFFERENT_ADDRESSES = 0.5
SAME_MAILBOX_PROBABILITY = 0.05  # that namesakes at two domains have the same mailbox
MAILBOX_LENGTH_MIN = 4
CONFIDENCE = {NameRelation.EXACT: 0.9, NameRelation.VARIANT: 0.85}
WEAK_CONFIDENCE = {NameRelation.EXACT: 0.6, NameRelation.VARIANT: 0.5, NameRelation.SIMILAR: 0.4}


def match_names(
    local: Sequence[Profile],
    remote: Sequence[Profile],
    statistics: NameStatistics,
    claims: Claims,
) -> Iterator[Evidence]:
    """Yield the evidence of pairs with fitting names; of level NAME if the name alone is enough."""
    ours = [entry for entry in local if entry.id not in claims.claimed_local and not entry.is_role]
    theirs = [
        entry for entry in remote if entry.id not in claims.claimed_remote and not entry.is_role
    ]
    fitting = list(_find_name_evidence(ours, theirs, statistics))
    paired_rivals = _find_paired_rivals(local, remote, ours, theirs, statistics, claims)
    rivals = [entry for entry in (*fitting, *paired_rivals) if _is_rival(entry)]
    rivals_of_local = Counter(entry.local.id for entry in rivals)
    rivals_of_remote = Counter(entry.remote.id for entry in rivals)
    namesakes = _Namesakes(local, remote)
    judge = _NameEvidenceRater(local, remote, len(theirs), statistics, claims)
    unique = {
        id(entry)
        for entry in fitting
        if rivals_of_local[entry.local.id] == 1
        and rivals_of_remote[entry.remote.id] == 1
        and namesakes.are_balanced(entry)
        and not claims.is_contested(entry)
    }
    yield from judge.raise_levels([entry for entry in fitting if id(entry) in unique])
    yield from (entry for entry in fitting if id(entry) not in unique)
    yield from (replace(entry, level=Level.NAME) for entry in paired_rivals if _is_rival(entry))


def _find_paired_rivals(
    local: Sequence[Profile],
    remote: Sequence[Profile],
    open_local: Sequence[Profile],
    open_remote: Sequence[Profile],
    statistics: NameStatistics,
    claims: Claims,
) -> list[Evidence]:
    """Return pairs of an open and a paired person whose names fit, so the name is not unique."""
    paired_local = [entry for entry in local if claims.is_local_paired(entry)]
    paired_remote = [entry for entry in remote if claims.is_remote_paired(entry)]
    return [
        *_find_name_evidence(open_local, paired_remote, statistics),
        *_find_name_evidence(paired_local, open_remote, statistics),
    ]


def _is_rival(entry: Evidence) -> bool:
    """Return whether a pair makes another pair of the same person doubtful.

    A misspelled name does not, if the other pair has exactly the name.
    """
    if entry.relation is NameRelation.SIMILAR:
        return False
    return entry.remote.is_active or entry.relation is NameRelation.EXACT


def _find_name_evidence(
    local: Sequence[Profile], remote: Sequence[Profile], statistics: NameStatistics
) -> Iterator[Evidence]:
    """Yield the pairs of open people whose names fit."""
    by_word: Mapping[str, list[Profile]] = _group_by_words(remote)
    for ours in local:
        names = ours.list_names(with_mailbox=True)
        words = {word for name in names for word in name.words}
        near = {
            theirs.id: theirs
            for word in words
            if len(by_word.get(word, ())) <= COMPARED_PEOPLE_MAX
            for theirs in by_word.get(word, ())
        }
        for id in sorted(near):
            relation = compare_profiles(ours, near[id], statistics.is_given, with_mailboxes=True)
            if relation >= NameRelation.SIMILAR:
                yield _build_weak(ours, near[id], relation)


def _group_by_words(profiles: Sequence[Profile]) -> dict[str, list[Profile]]:
    groups: dict[str, list[Profile]] = defaultdict(list)
    for profile in profiles:
        names = profile.list_names(with_mailbox=True)
        for word in {word for name in names for word in name.words if len(word) > 1}:
            groups[word].append(profile)
    return groups


def _build_weak(local: Profile, remote: Profile, relation: NameRelation) -> Evidence:
    reason = "similar_name" if relation is NameRelation.SIMILAR else "common_name"
    if relation is not NameRelation.SIMILAR and are_at_different_companies(local, remote):
        reason = OTHER_COMPANY
    confidence = WEAK_CONFIDENCE[relation]
    return Evidence(local, remote, Level.WEAK, "name", reason, confidence, relation)


class _Namesakes:
    """The number of people of each side with one name, paired or not."""

    def __init__(self, local: Sequence[Profile], remote: Sequence[Profile]) -> None:
        self._local = Counter(frozenset(entry.name.words) for entry in local)
        self._remote = Counter(frozenset(entry.name.words) for entry in remote)

    def are_balanced(self, entry: Evidence) -> bool:
        """Return whether both sides have the same number of people with each of the two names."""
        if entry.relation is not NameRelation.EXACT:
            return True
        words = frozenset(entry.local.name.words)
        return self._local[words] == self._remote[words]


class _NameEvidenceRater:
    """Decides whether a name is enough, by its frequency."""

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
        self.claimed_count = len(claims.pairs)
        self.statistics = statistics

    def raise_levels(self, evidence: Sequence[Evidence]) -> Iterator[Evidence]:
        """Yield the evidence, raised to the level of a suggestion if namesakes are improbable.

        The surest pairs come first, as long as few of all suggestions are expected to be wrong.
        """
        rated = sorted(
            ((self._estimate_wrong_probability(entry), entry) for entry in evidence),
            key=lambda rated_entry: (rated_entry[0], rated_entry[1].local.id),
        )
        expected_wrong, count = 0.0, self.claimed_count
        for doubt, entry in rated:
            share = (expected_wrong + doubt) / (count + 1)
            if doubt > WRONG_PAIR_PROBABILITY_MAX or share > WRONG_PAIR_SHARE_MAX:
                yield entry
                continue
            expected_wrong, count = expected_wrong + doubt, count + 1
            reason = "name" if entry.relation is NameRelation.EXACT else "name_variant"
            confidence = round(CONFIDENCE[entry.relation] - doubt, 2)
            yield replace(entry, level=Level.NAME, reason=reason, confidence=confidence)

    def _estimate_wrong_probability(self, entry: Evidence) -> float:
        """Return the probability that the pair is wrong; 1 if it must not be suggested."""
        if entry.relation not in CONFIDENCE or entry.reason == OTHER_COMPANY:
            return 1.0
        overlap = self.overlap
        if have_different_addresses(entry.local, entry.remote):
            overlap = OVERLAP_OF_DIFFERENT_ADDRESSES
        expected = self._estimate_namesakes(entry)
        if expected > EXPECTED_NAMESAKES_MAX:
            return 1.0
        return expected * (1 - overlap) / overlap

    def _estimate_namesakes(self, entry: Evidence) -> float:
        expected = self.statistics.estimate_namesakes(
            entry.local.name, entry.remote.name, self.open_count
        )
        first, second = entry.local.address, entry.remote.address
        if first and second and first.mailbox == second.mailbox:
            is_distinctive = len(first.mailbox) >= MAILBOX_LENGTH_MIN
            return expected * SAME_MAILBOX_PROBABILITY if is_distinctive else expected
        return expected


def estimate_overlap(local: Sequence[Profile], remote: Sequence[Profile], claims: Claims) -> float:
    """Estimate the share of our people with an account there, from those with an address."""
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
