"""What the matcher finds for one of our people."""

from dataclasses import dataclass
from typing import Literal

BEST_IS_PAIRED = "best_is_paired"  # the reason why the second best is not suggested
SuggestionState = Literal["suggested", "ambiguous", "unmatched"]
Source = Literal["email", "login", "name"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person of the other side, and what speaks for them.

    `confidence` is from 0 to 1. `reason` is a code of REASONS in hub/identities/review/texts.py.
    """

    remote_id: str
    source: Source
    reason: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The result for one of our people; the best candidate is the first.

    A *suggested* one has a first candidate that can be confirmed as it is. `reason` says why; of an
    *ambiguous* one, why a person has to decide.
    """

    local_id: str
    state: SuggestionState
    reason: str = ""
    candidates: tuple[Candidate, ...] = ()
