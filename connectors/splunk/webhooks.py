"""What Splunk sends us: the webhook of an alert, unsigned, at a URL that is the secret.

https://docs.splunk.com/Documentation/Splunk/latest/Alert/Webhooks (2026-11): one POST of JSON, with
the first row of the results. Retries are not documented. `search_name` is null for a search that
is not saved.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from connectors.http import Json, Unreadable
from connectors.signatures import SharedSecretScheme
from connectors.splunk.webhook_types import ALERT_CREATED, EVENT_TYPES
from connectors.webhook_request import WebhookRequest
from connectors.webhook_sources import NO_SETTINGS, Item, WebhookSource

TEXT_KEYS = ("sid", "search_name", "app", "owner", "results_link")


class SplunkWebhooks(WebhookSource):
    scheme = SharedSecretScheme(location="path")
    secret_from = "url"
    event_types = EVENT_TYPES

    def message_id(self, request: WebhookRequest, settings: Mapping[str, Any] = NO_SETTINGS) -> str:
        """Return the id of the search that triggered the alert, otherwise the body's digest."""
        sid = _parse_body(request).get("sid")
        return sid if isinstance(sid, str) and sid else super().message_id(request)

    def parse_items(
        self, request: WebhookRequest, settings: Mapping[str, Any], *, message_id: str
    ) -> Sequence[Item]:
        document = _parse_body(request)
        sid, result = document.get("sid"), document.get("result")
        if not isinstance(sid, str) or not sid:
            raise Unreadable("it has no sid, so it is no alert")
        texts = {key: str(document.get(key) or "") for key in TEXT_KEYS}
        data = texts | {"result": result if isinstance(result, dict) else {}}
        return [Item(id=sid, type=ALERT_CREATED, data=data, record=sid)]


def _parse_body(request: WebhookRequest) -> dict[str, Json]:
    """Return the JSON object in the body; empty for all else."""
    try:
        value = orjson.loads(request.body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
