"""The only door to the network: what may be called, how long it may take, how much of an answer is read.

Two ways out, one rule: `aio.outlet` (async, for deliveries) and `call` (blocking, for everything else); doors hand the
second down as `outward`. The first is asked for by its own name: aiohttp is large, and only a pump needs it.
"""

from hub.egress.default_client import send_request
from hub.egress.errors import EgressError, EgressRefused, RequestNotSent, ResponseNotReceived
from hub.egress.lookup_pool import lookups_for_tenant
from hub.egress.sync_client import send_guarded
from hub.egress.url_guard import EgressRules, check_url, load_rules

__all__ = [
    "EgressError",
    "EgressRefused",
    "EgressRules",
    "ResponseNotReceived",
    "RequestNotSent",
    "send_guarded",
    "check_url",
    "lookups_for_tenant",
    "send_request",
    "load_rules",
]
