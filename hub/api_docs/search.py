"""The search of the documentation: passages that have all words of the term, best first."""

from dataclasses import dataclass

from hub.api_docs.guides import Guide, list_guides, render_guide
from hub.api_docs.markdown import Passage

RESULTS_SHOWN = 20
EXCERPT_LENGTH = 220


@dataclass(frozen=True, slots=True)
class PassageFound:
    guide: Guide
    passage: Passage
    excerpt: str

    @property
    def url(self) -> str:
        return f"{self.guide.url}#{self.passage.heading.anchor}"


def search_guides(term: str) -> list[PassageFound]:
    """Return passages whose heading or text has every word, heading matches first."""
    words = term.casefold().split()
    if not words:
        return []
    found = [
        (_rank(passage, words), PassageFound(guide, passage, _cut_excerpt(passage.text, words[0])))
        for guide in list_guides()
        for passage in render_guide(guide).passages
        if _has_all(f"{passage.heading.text} {passage.text}", words)
    ]
    found.sort(key=lambda entry: entry[0])
    return [result for _place, result in found[:RESULTS_SHOWN]]


def _has_all(text: str, words: list[str]) -> bool:
    folded = text.casefold()
    return all(word in folded for word in words)


def _rank(passage: Passage, words: list[str]) -> int:
    return 0 if _has_all(passage.heading.text, words) else 1


def _cut_excerpt(text: str, word: str) -> str:
    start = max(0, text.casefold().find(word) - EXCERPT_LENGTH // 3)
    excerpt = text[start : start + EXCERPT_LENGTH]
    return f"{'…' if start else ''}{excerpt}{'…' if start + EXCERPT_LENGTH < len(text) else ''}"
