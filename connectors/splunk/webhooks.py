"""What Splunk sends us: the webhook of an alert, unsigned, at a URL that is the secret.

https://docs.splunk.com/Documentation/Splunk/latest/Alert/Webhooks (2026-11): one POST of JSON, with
the first row of the results. Retries are not documented. `search_name` is null for a search that
is not saved. An alert that is triggered for each result is one POST for each, with the same `sid`
(https://docs.splunk.com/Documentation/Splunk/latest/Alert/AlertTriggerConditions, 2026-11).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.http import Json, Unreadable, load_exact_json
from connectors.signatures import SharedSecretScheme
from connectors.splunk.feeds import (
    FEEDS,
    build_alert_change,
    build_alert_id,
    build_change_key,
)
from connectors.splunk.webhook_types import ALERT_CREATED, EVENT_TYPES
from connectors.webhook_request import WebhookRequest
from connectors.webhook_sources import (
    NO_SETTINGS,
    FailuresInARow,
    HeartbeatSearch,
    Item,
    RecordChange,
    WebhookSource,
)

TEXT_KEYS = ("sid", "search_name", "app", "owner", "results_link")


class SplunkWebhooks(WebhookSource):
    scheme = SharedSecretScheme(location="path")
    secret_from = "url"
    sender_rules = (FailuresInARow("lost", limit=1, warn_count=1),)  # nothing is sent again
    event_types = EVENT_TYPES
    canaries = {"alert": HeartbeatSearch()}
    feeds = FEEDS

    def message_id(self, request: WebhookRequest, settings: Mapping[str, Any] = NO_SETTINGS) -> str:
        """Return the id of the alert, otherwise the body's digest."""
        return _build_alert_id(request) or super().message_id(request)

    def parse_items(
        self, request: WebhookRequest, settings: Mapping[str, Any], *, message_id: str
    ) -> Sequence[Item]:
        document = _parse_body(request)
        sid, result = document.get("sid"), document.get("result")
        alert_id = _build_alert_id(request)
        if not alert_id:
            raise Unreadable("it has no sid, so it is no alert")
        texts = {key: str(document.get(key) or "") for key in TEXT_KEYS}
        data = texts | {"result": result if isinstance(result, dict) else {}}
        key = build_change_key(str(sid))
        item = Item(alert_id, ALERT_CREATED, data, record=str(sid), change_key=key)
        return [item]

    def record_changes(
        self, collection: str, record: Mapping[str, Any], *, account: str
    ) -> Sequence[RecordChange]:
        return [build_alert_change(record)]


def _build_alert_id(request: WebhookRequest) -> str:
    """Return the id of the search that triggered the alert and a digest of the body, as an alert
    may be triggered for each result; empty if it names no search.
    """
    sid = _parse_body(request).get("sid")
    if not isinstance(sid, str) or not sid:
        return ""
    return build_alert_id(sid, request.body)


def _parse_body(request: WebhookRequest) -> dict[str, Json]:
    """Return the JSON object in the body; an empty dict for any other body."""
    try:
        value = load_exact_json(request.body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
