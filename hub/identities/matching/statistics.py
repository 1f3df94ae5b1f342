"""Statistics of names in two lists of people, and the probability of a namesake."""

from collections import Counter
from collections.abc import Sequence

from hub.identities.matching.names import Name, align_words
from hub.identities.matching.profiles import Profile

ASSUMED_PEOPLE_MIN = 100  # a list of few people says little of how common a name is
UNSEEN_PEOPLE_COUNT = 0.5  # of another person with a word that only one has
SHORT_FORM_CHANCE, INITIAL_CHANCE = 0.05, 0.08  # that another person's given name fits by chance


class NameStatistics:
    """Counts of the words in the names of both lists."""

    def __init__(self, local: Sequence[Profile], remote: Sequence[Profile]) -> None:
        self.people_count = max(len(local), len(remote), ASSUMED_PEOPLE_MIN)
        counts = [self._count_words(profiles) for profiles in (local, remote)]
        # a person is in both lists: the larger count is that of different people
        self._counts = counts[0] | counts[1]
        names = [profile.name for profile in (*local, *remote) if len(profile.name.words) > 1]
        self._first = Counter(name.words[0] for name in names)
        self._last = Counter(name.words[-1] for name in names)

    @staticmethod
    def _count_words(profiles: Sequence[Profile]) -> Counter[str]:
        return Counter(word for profile in profiles for word in set(profile.name.words))

    def is_given(self, word: str) -> bool:
        """Return whether a word is a given name: it stands first more often than last."""
        return self._first[word] > self._last[word]

    def estimate_namesakes(self, first: Name, second: Name, people_count: int) -> float:
        """Return how many of so many other people are expected to have a fitting name."""
        found = align_words(first, second)
        expected = float(people_count)
        for word in found.same:
            expected *= self._estimate_frequency(word)
        for _ in found.short_forms:
            expected *= SHORT_FORM_CHANCE
        for _ in found.initials:
            expected *= INITIAL_CHANCE
        return expected

    def _estimate_frequency(self, word: str) -> float:
        others = max(self._counts[word] - 1, 0)
        return min((others + UNSEEN_PEOPLE_COUNT) / self.people_count, 1.0)
