"""Match the people of two lists: pure functions, which rather suggest nothing than a wrong pair.

`match_people` is the entry point.
"""

from hub.identities.matching.evidence import OTHER_COMPANY
from hub.identities.matching.matcher import match_people
from hub.identities.matching.suggestions import BEST_IS_PAIRED, Candidate, Suggestion

__all__ = ["BEST_IS_PAIRED", "OTHER_COMPANY", "Candidate", "Suggestion", "match_people"]
