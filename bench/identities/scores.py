"""How right suggestions are: by the truth that the directories were built from."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bench.identities.directories import Directories


@dataclass(slots=True)
class Score:
    """Counts of suggestions. A pair of a deactivated account is right, and not expected."""

    right: int = 0
    wrong: int = 0
    expected: int = 0
    found: int = 0
    queued: int = 0  # of the expected pairs that are not suggested: the right one is offered
    missed: Counter[str] = field(default_factory=Counter)  # not suggested, by what was done to them
    mistakes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.right / max(self.right + self.wrong, 1)

    @property
    def recall(self) -> float:
        return self.found / max(self.expected, 1)

    @property
    def queue_share(self) -> float:
        """Of the pairs that were not suggested, the share of which the right person is offered."""
        return self.queued / max(self.expected - self.found, 1)


def score_suggestions(
    directories: Directories, suggested: Mapping[str, str], offered: Mapping[str, Iterable[str]]
) -> Score:
    """Compare suggested pairs, and the candidates of the queue, with the truth."""
    score = Score()
    for local_id, remote_id in suggested.items():
        if directories.pairs.get(local_id) == remote_id:
            score.right += 1
        else:
            score.wrong += 1
            score.mistakes.append((local_id, remote_id))
    for local_id, remote_id in directories.pairs.items():
        if local_id in directories.deactivated:
            continue
        score.expected += 1
        if suggested.get(local_id) == remote_id:
            score.found += 1
            continue
        score.queued += remote_id in set(offered.get(local_id, ()))
        score.missed.update(directories.tags[local_id] or {"nothing"})
    return score
