"""Names of people as folded words, and the relation between two names."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from hub.identities.matching.edit_distance import is_misspelling
from hub.identities.matching.folding import fold_name
from hub.identities.matching.nicknames import is_short_form

ADDITIONS = re.compile(r"\(.*?\)|\[.*?\]|[|/•–—].*|\s-\s.*|\S*@\S*")
APOSTROPHES = re.compile(r"['’`´ʼ]")
NOT_LETTERS = re.compile(r"[\W\d_]+")
TITLES_AND_PARTICLES = """
dr prof professor mr mrs ms miss herr frau mag dipl ing med phd msc bsc mba cpa jr sr ii iii iv
von van vom zu zur der den de da di do dos das del della la le du el al bin ibn ter ten af av
ext external extern externe contractor consultant freelancer intern she her he him they them
"""
IGNORED_WORDS = frozenset(TITLES_AND_PARTICLES.split())
WORDS_MAX = 6
COMMON_WORD_LENGTH_MIN = 3  # letters of a word that two names have in common


class NameRelation(IntEnum):
    """The relation between two names, ordered from different to equal."""

    UNKNOWN = 0  # one is not known
    DIFFERENT = 1
    SURNAME_ONLY = 2
    GIVEN_ONLY = 3  # such as after a marriage
    PARTIAL = 4  # one has a single word, which fits
    SIMILAR = 5  # one may be misspelt
    VARIANT = 6  # initials, short forms, a further name
    EXACT = 7  # the same words in any order


@dataclass(frozen=True, slots=True)
class Name:
    """The folded words of a name; `given` is the one that seems to be the given name."""

    words: tuple[str, ...]
    given_name: str = ""


def parse_name(text: str) -> Name:
    """Parse a name as people write it, with titles, additions and in any order."""
    cleaned = APOSTROPHES.sub("", ADDITIONS.sub(" ", text))
    before, comma, after = cleaned.partition(",")
    all_words = _split_words(f"{after} {before}" if comma else before)
    words = [word for word in all_words if word not in IGNORED_WORDS]
    if len(words) < 2:  # Le and Do are surnames, too
        words = all_words
    return Name(tuple(words[:WORDS_MAX]), words[0] if words else "")


def _split_words(text: str) -> list[str]:
    words = (fold_name(word) for word in NOT_LETTERS.split(text) if word)
    return [word for word in words if word]


def is_same_name(first: str, second: str) -> bool:
    """Return whether two names can be spellings or forms of the same name."""
    relation = compare_names(parse_name(first), parse_name(second), lambda word: False)
    return relation is NameRelation.UNKNOWN or relation >= NameRelation.PARTIAL


@dataclass(slots=True)
class Alignment:
    """Which words of two names fit, and how."""

    same: list[str]
    short_forms: list[tuple[str, str]]
    initials: list[tuple[str, str]]
    misspelt: list[tuple[str, str]]
    left_first: list[str]
    left_second: list[str]

    @property
    def is_whole(self) -> bool:
        """Return whether all words of the shorter name fit."""
        return not self.left_first or not self.left_second


def align_words(first: Name, second: Name) -> Alignment:
    """Pair the words of two names: equal ones, then short forms, initials, misspelled ones."""
    left_first, left_second = list(first.words), list(second.words)
    same = [word for word, _ in _take_pairs(left_first, left_second, lambda a, b: a == b)]
    short_forms = list(_take_pairs(left_first, left_second, is_short_form))
    initials = list(_take_pairs(left_first, left_second, _is_initial))
    misspelt = list(_take_pairs(left_first, left_second, is_misspelling))
    return Alignment(same, short_forms, initials, misspelt, left_first, left_second)


def _take_pairs(
    first: list[str], second: list[str], fits: Callable[[str, str], bool]
) -> Iterator[tuple[str, str]]:
    """Remove the fitting words from both lists, and yield them."""
    for word in list(first):
        match = next((other for other in second if fits(word, other)), None)
        if match is not None:
            first.remove(word)
            second.remove(match)
            yield word, match


def _is_initial(first: str, second: str) -> bool:
    return (len(first) == 1) != (len(second) == 1) and first[0] == second[0]


def compare_names(first: Name, second: Name, is_given: Callable[[str], bool]) -> NameRelation:
    """Return the relation of two names. `is_given` tells which words are usually given names."""
    if not first.words or not second.words:
        return NameRelation.UNKNOWN
    found = align_words(first, second)
    if min(len(first.words), len(second.words)) == 1:
        fits = found.same or found.short_forms
        return NameRelation.PARTIAL if fits else NameRelation.DIFFERENT
    if found.is_whole:
        return _relate_aligned_names(found)
    return _relate_partly_aligned_names(found, first, second, is_given)


def _relate_aligned_names(found: Alignment) -> NameRelation:
    has_sure_word = any(len(word) >= COMMON_WORD_LENGTH_MIN for word in found.same)
    if found.misspelt:
        is_close = has_sure_word or bool(found.short_forms) or len(found.misspelt) > 1
        return NameRelation.SIMILAR if is_close else NameRelation.DIFFERENT
    if not (found.short_forms or found.initials or found.left_first or found.left_second):
        return NameRelation.EXACT
    return NameRelation.VARIANT if has_sure_word else NameRelation.PARTIAL


def _relate_partly_aligned_names(
    found: Alignment, first: Name, second: Name, is_given: Callable[[str], bool]
) -> NameRelation:
    shared = [(word, word) for word in found.same] + found.short_forms + found.misspelt
    if not shared:
        return NameRelation.DIFFERENT
    for word, other in shared:
        positions = (word == first.given_name) + (other == second.given_name)
        if positions == 2 or (positions == 1 and (is_given(word) or is_given(other))):
            return NameRelation.GIVEN_ONLY
    return NameRelation.SURNAME_ONLY
