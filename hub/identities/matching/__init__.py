"""Match the people of two lists: pure functions that prefer no suggestion to a wrong one.

`match_people` is the entry point.
"""

from hub.identities.matching.matcher import match_people
from hub.identities.matching.suggestions import Candidate, Suggestion

__all__ = ["Candidate", "Suggestion", "match_people"]
