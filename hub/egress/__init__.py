"""The only package that opens sockets; it limits the addresses, duration and size of calls.

Two clients follow the same rules: `async_client.open_async_client` for deliveries, and
`send_request` (blocking) for everything else, which callers receive as an argument. The async
client is imported from its own module: aiohttp is large, and only a pump needs it.
"""

from hub.egress.default_client import send_request
from hub.egress.errors import (
    EgressError,
    EgressRefused,
    RequestNotSent,
    RequestWithdrawn,
    ResponseNotReceived,
)
from hub.egress.lookup_pool import lookups_for_tenant
from hub.egress.send_condition import send_only_while
from hub.egress.sync_client import send_guarded
from hub.egress.url_guard import EgressRules, check_url, load_rules

__all__ = [
    "EgressError",
    "EgressRefused",
    "EgressRules",
    "ResponseNotReceived",
    "RequestNotSent",
    "RequestWithdrawn",
    "send_guarded",
    "check_url",
    "lookups_for_tenant",
    "send_only_while",
    "send_request",
    "load_rules",
]
