"""The only door to the network: what may be called, how long it may take, how much of an answer is read.

Two ways out, one rule: `aio.outlet` (async, for deliveries) and `call` (blocking, for everything else); doors hand the
second down as `outward`. The first is asked for by its own name: aiohttp is large, and only a pump needs it.
"""

from hub.egress.call import call
from hub.egress.errors import EgressError, Refused, Unanswered, Unsent
from hub.egress.guard import Rules, check_url, rules
from hub.egress.lookups import lookups_of
from hub.egress.outward import outward

__all__ = [
    "EgressError",
    "Refused",
    "Rules",
    "Unanswered",
    "Unsent",
    "call",
    "check_url",
    "lookups_of",
    "outward",
    "rules",
]
