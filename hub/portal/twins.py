"""What a page shows, as the call of the API that tells or does the same: a line for a terminal."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Twin:
    """`named`: the API's address carries the id of the page's; `narrowed`: its query names the tenant."""

    address: str
    method: str = "GET"
    named: bool = False
    narrowed: bool = False
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None


CONNECTION = Twin("connection", named=True)
CONNECTORS = Twin("connectors")
IDENTITIES = Twin("connection_identities", named=True)
ENDPOINT = {"connector": "webhook", "name": "…", "settings": {"url": "https://…"}}
TWINS: Mapping[str, Twin] = {
    "portal:home": Twin("connections", narrowed=True),
    "portal:catalogue": CONNECTORS,
    "portal:connect": CONNECTORS,
    "portal:fill_in": CONNECTORS,
    "portal:connection": CONNECTION,
    "portal:connected": CONNECTION,
    "portal:connection_test_progress": Twin("connection_test", "POST", named=True),
    "portal:pause": Twin("connection_pause", "POST", named=True, body={"reason": "…"}),
    "portal:rename": Twin("connection", "PATCH", named=True, body={"name": "…"}),
    "portal:reconnect": Twin("connection_reconnect_link", "POST", named=True),
    "portal:disconnect": Twin("connection_disconnect", "POST", named=True, body={"reason": "…"}),
    "portal:notifications": CONNECTION,
    "portal:identities": IDENTITIES,
    "portal:identity_say": IDENTITIES,
    "portal:identity_remove": IDENTITIES,
    "portal:events": Twin("deliveries", narrowed=True),
    "portal:event": Twin("event", named=True),
    "portal:delivery": Twin("delivery", named=True),
    "portal:delivery_do": Twin("delivery", named=True),
    "portal:plan": Twin("operations", "POST", body={"kind": "retry", "reason": "…"}),
    "portal:operation": Twin("operation", named=True),
    "portal:endpoints": Twin("connections", narrowed=True, query={"connector": "webhook"}),
    "portal:endpoint_add": Twin("connections", "POST", body=ENDPOINT),
    "portal:endpoint": CONNECTION,
    "portal:endpoint_events": CONNECTION,
    "portal:endpoint_headers": Twin("connection", "PATCH", named=True, body={"secrets": {"headers": "X-Name: …"}}),
    "portal:endpoint_pace": Twin("connection", "PATCH", named=True, body={"settings": {"calls_a_second": "5"}}),
    "portal:settings": Twin("tenant"),
    "people:members": Twin("members", narrowed=True),
    "people:remove": Twin("member", "DELETE", named=True),
    "connections:links": Twin("connect_links", narrowed=True),
}


NOT_ROUTED = Twin("events", narrowed=True)  # what no route took has no delivery


def curl(request: HttpRequest, tenant: str, asks: Mapping[str, Any]) -> str:
    """`asks`: what the page narrows by, in the words of the API. Empty where no call is like this page."""
    match = request.resolver_match
    twin = TWINS.get(match.view_name) if match else None
    if match is None or twin is None:
        return ""
    if asks.get("state") == "no_route":
        twin = NOT_ROUTED
    named = [match.kwargs["id"]] if twin.named else [tenant] if twin.address == "tenant" else []
    url = settings.HUB_PUBLIC_URL + reverse(twin.address, args=named)
    words = ["curl", "-H", "Authorization: Bearer $HUB_KEY"]
    if twin.method == "GET":
        query = ({"tenant": tenant} if twin.narrowed else {}) | twin.query | asks
        return written([*words, f"{url}?{urlencode(query)}" if query else url])
    if twin.address == "operations":
        asks = {"tenant": tenant, "filter": asks}
    said = (twin.body or {}) | asks
    told = ["-H", "Content-Type: application/json", "-d", json.dumps(said, ensure_ascii=False)] if said else []
    return written([*words, "-X", twin.method, *told, url])


def written(words: list[str]) -> str:
    """For a shell; the key stays the reader's own."""
    return " ".join(f'"{word}"' if "$HUB_KEY" in word else shlex.quote(word) for word in words)
