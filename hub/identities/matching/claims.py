"""Assign each person to at most one pair, beginning with the strongest evidence."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from hub.identities.matching.evidence import Evidence, Level
from hub.identities.matching.profiles import Profile

EvidenceLists = dict[str, list[Evidence]]


class Claims:
    """Collects evidence; claims pairs that are unique both ways, and leaves the others open.

    `confirmed` are pairs of ids that a person has decided. A fitting person is a rival even if
    already paired: the second-best candidate does not become a sure match only because the best one
    is taken.
    """

    def __init__(self, confirmed: Mapping[str, str], ignored: Collection[str]) -> None:
        self.confirmed_local, self.confirmed_remote = set(confirmed), set(confirmed.values())
        self.claimed_local = self.confirmed_local | set(ignored)
        self.claimed_remote = set(self.confirmed_remote)
        self.pairs: dict[str, Evidence] = {}
        # people with evidence that contradicts itself: weaker evidence decides nothing for them
        self.contested_local: set[str] = set()
        self.contested_remote: set[str] = set()
        self.by_local: EvidenceLists = defaultdict(list)
        # evidence of open people for someone whom a person has paired with another one
        self.rivals_of_local: EvidenceLists = defaultdict(list)
        self.rivals_of_remote: EvidenceLists = defaultdict(list)

    def is_open(self, evidence: Evidence) -> bool:
        return (
            evidence.local.id not in self.claimed_local
            and evidence.remote.id not in self.claimed_remote
        )

    def is_available(self, evidence: Evidence) -> bool:
        """Return whether the other person is not paired with someone else."""
        return evidence.remote.id not in self.claimed_remote

    def is_contested(self, evidence: Evidence) -> bool:
        return (
            evidence.local.id in self.contested_local or evidence.remote.id in self.contested_remote
        )

    def has_paired_rival(self, evidence: Evidence) -> bool:
        """Return whether one of two people fits as well with someone who is already paired."""
        return any(
            _is_as_strong(rival, evidence, "remote")
            for rival in self.rivals_of_local[evidence.local.id]
        ) or any(
            _is_as_strong(rival, evidence, "local")
            for rival in self.rivals_of_remote[evidence.remote.id]
        )

    def add(self, evidence: Iterable[Evidence], level: Level) -> None:
        """Claim the pairs of this level that are unique both ways; others are contested."""
        evidence = list(evidence)
        self._add_rivals(evidence)
        found = [entry for entry in evidence if self.is_open(entry)]
        for entry in found:
            self.by_local[entry.local.id].append(entry)
        claimable = [
            entry for entry in found if entry.level is level and not self.has_paired_rival(entry)
        ]
        local, remote = _group(claimable, "local"), _group(claimable, "remote")
        for entry in claimable:
            best_of_local = _find_best(local[entry.local.id], "remote")
            best_of_remote = _find_best(remote[entry.remote.id], "local")
            if best_of_local is entry and best_of_remote is entry and not self.is_contested(entry):
                self._claim(entry)
            elif best_of_local is None or best_of_remote is None:
                self.contested_local.add(entry.local.id)
                self.contested_remote.add(entry.remote.id)
        for entry in found:
            if entry.level is Level.DISPUTED and self.is_open(entry):
                self.contested_local.add(entry.local.id)
                self.contested_remote.add(entry.remote.id)

    def _add_rivals(self, evidence: Iterable[Evidence]) -> None:
        """Store the evidence for already paired people, by whose pair it makes doubtful."""
        for entry in evidence:
            if entry.level < Level.NAME:
                continue
            is_local_open = entry.local.id not in self.claimed_local
            is_remote_open = entry.remote.id not in self.claimed_remote
            if is_local_open and self.is_remote_paired(entry.remote):
                self.rivals_of_local[entry.local.id].append(entry)
            elif is_remote_open and self.is_local_paired(entry.local):
                self.rivals_of_remote[entry.remote.id].append(entry)

    def is_local_paired(self, profile: Profile) -> bool:
        """Return whether a confirmed pair contains this person of ours."""
        return profile.id in self.confirmed_local

    def is_remote_paired(self, profile: Profile) -> bool:
        return profile.id in self.confirmed_remote

    def _claim(self, entry: Evidence) -> None:
        self.claimed_local.add(entry.local.id)
        self.claimed_remote.add(entry.remote.id)
        self.pairs[entry.local.id] = entry


def _is_as_strong(rival: Evidence, evidence: Evidence, side: str) -> bool:
    """Return whether a rival on one side makes the evidence doubtful.

    It does if its evidence is at least as strong, unless only the rival's account is inactive.
    """
    if getattr(evidence, side).is_active and not getattr(rival, side).is_active:
        return False
    return (rival.level, rival.relation) >= (evidence.level, evidence.relation)


def _group(evidence: Iterable[Evidence], side: str) -> EvidenceLists:
    groups: EvidenceLists = defaultdict(list)
    for entry in evidence:
        groups[getattr(entry, side).id].append(entry)
    return groups


def _find_best(entries: Sequence[Evidence], side: str) -> Evidence | None:
    """Return the best candidate if unique: the only one with an active account or the closest name.

    None if several are equally good.
    """
    active = [entry for entry in entries if getattr(entry, side).is_active] or entries
    closest = max(entry.relation for entry in active)
    best = [entry for entry in active if entry.relation == closest]
    people = {getattr(entry, side).id for entry in best}
    return best[0] if len(people) == 1 else None
