"""Who of one list of people is who of another: pure functions, precision before recall.

`match_people` is the entry point.
"""

from hub.identities.matching.matcher import match_people
from hub.identities.matching.suggestions import Candidate, Suggestion

__all__ = ["Candidate", "Suggestion", "match_people"]
