"""The results of the matcher for one of our people."""

from dataclasses import dataclass
from typing import Literal

BEST_IS_PAIRED = "best_is_paired"  # the reason why the second best is not suggested
SuggestionState = Literal["suggested", "ambiguous", "unmatched"]
Source = Literal["email", "login", "name"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person of the other side, with the evidence.

    `confidence` is from 0 to 1. `reason` is a code of REASONS in hub/identities/review/texts.py.
    """

    remote_id: str
    source: Source
    reason: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The result for one of our people; the best candidate is the first.

    The first candidate of a *suggested* one can be confirmed without changes. `reason` explains the
    suggestion; for an *ambiguous* one, why a person has to decide.
    """

    local_id: str
    state: SuggestionState
    reason: str = ""
    candidates: tuple[Candidate, ...] = ()
