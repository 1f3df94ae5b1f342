"""Which people are paired already: each person once, and by the strongest evidence first."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from hub.identities.matching.evidence import Evidence, Level

EvidenceLists = dict[str, list[Evidence]]


class Claims:
    """Collects evidence; claims the pairs that are unique both ways, and leaves the others open."""

    def __init__(self, claimed_local: Iterable[str], claimed_remote: Iterable[str]) -> None:
        self.claimed_local = set(claimed_local)
        self.claimed_remote = set(claimed_remote)
        self.pairs: dict[str, Evidence] = {}
        # people with evidence that contradicts itself: weaker evidence decides nothing for them
        self.contested_local: set[str] = set()
        self.contested_remote: set[str] = set()
        self.by_local: EvidenceLists = defaultdict(list)

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

    def add(self, evidence: Iterable[Evidence], level: Level) -> None:
        """Claim the pairs of this level that are unique both ways; the others are contested."""
        found = [entry for entry in evidence if self.is_open(entry)]
        for entry in found:
            self.by_local[entry.local.id].append(entry)
        claimable = [entry for entry in found if entry.level is level]
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

    def _claim(self, entry: Evidence) -> None:
        self.claimed_local.add(entry.local.id)
        self.claimed_remote.add(entry.remote.id)
        self.pairs[entry.local.id] = entry


def _group(evidence: Iterable[Evidence], side: str) -> EvidenceLists:
    groups: EvidenceLists = defaultdict(list)
    for entry in evidence:
        groups[getattr(entry, side).id].append(entry)
    return groups


def _find_best(entries: Sequence[Evidence], side: str) -> Evidence | None:
    """Return the one that stands out: the only one with an active account, or with the closest
    name; None if several are as good.
    """
    active = [entry for entry in entries if getattr(entry, side).is_active] or entries
    closest = max(entry.relation for entry in active)
    best = [entry for entry in active if entry.relation == closest]
    people = {getattr(entry, side).id for entry in best}
    return best[0] if len(people) == 1 else None
