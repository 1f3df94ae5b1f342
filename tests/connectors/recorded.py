"""Recorded answers as responses, and the messages and credentials that the connectors' tests
share.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jmespath

from connectors.http import Response, dump_json
from connectors.registry import CONNECTORS
from connectors.schema import Credential, Message

HERE = Path(__file__).parent
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=6)
WHSEC = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
OLD_WHSEC = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"
ORDER = {
    "id": "0198f0a0-0000-7000-8000-000000000001",
    "type": "order.created",
    "tenant": "acme",
    "occurred_at": "2026-11-25T11:59:58Z",
    "data": {
        "number": 1001,
        "customer": "Ada Lovelace",
        "email": "ada@example.com",
        "total": 99.5,
        "currency": "EUR",
        "items": [{"sku": "A-1", "count": 2}],
    },
}
SECRETS = {
    "app": {"signing_secret": WHSEC},
    "pipedrive": {"access_token": "v1u:access", "refresh_token": "v1r:refresh"},
    "salesforce": {"access_token": "00D!session", "refresh_token": "5Aep861"},
    "signed_webhook": {"signing_secret": WHSEC},
    "slack": {"access_token": "xoxb-1", "refresh_token": "xoxe-1-1"},
    "splunk": {"token": "8ef3b9c5-0000-0000-0000-000000000000"},
    "webhook": {"signing_secret": WHSEC},
}
SETTINGS = {
    "pipedrive": {"api_domain": "https://acme.pipedrive.com"},
    "salesforce": {"instance_url": "https://acme.my.salesforce.com"},
    "splunk": {"url": "https://splunk.example.com:8088", "use_ack": True},
    "webhook": {"url": "https://hooks.example.com/in"},
}
REPLY_URLS = {"slack": "https://hooks.slack.com/commands/T0000ACME/1/abc"}
ACCOUNTS = {"pipedrive": "701", "salesforce": "00D000000000001AAA", "slack": "T0000ACME"}


def credential(key: str, **changes: Any) -> Credential:
    data = {
        "secret": SECRETS[key],
        "urls": CONNECTORS[key].urls,
        "account": ACCOUNTS.get(key, ""),
        "settings": SETTINGS.get(key, {}),
        "reply_url": REPLY_URLS.get(key, ""),
    }
    return Credential(**data | changes)


def message(body: Mapping[str, Any], **changes: Any) -> Message:
    data = {
        "id": ORDER["id"],
        "body": body,
        "raw": dump_json(body),
        "at": NOON,
        "type": ORDER["type"],
        "tenant": "acme",
    }
    return Message(**data | changes)


def messages(count: int, body: Mapping[str, Any], **changes: Any) -> list[Message]:
    return [message(body, id=f"msg-{number}", **changes) for number in range(count)]


def rendered(mapping: Any, event: Mapping[str, Any] = ORDER) -> Any:
    """A field mapping filled in: its string leaves are expressions over the event."""
    if isinstance(mapping, Mapping):
        return {key: rendered(value, event) for key, value in mapping.items()}
    if isinstance(mapping, list):
        return [rendered(value, event) for value in mapping]
    return jmespath.search(mapping, event) if isinstance(mapping, str) else mapping


def fixtures(key: str) -> list[str]:
    return sorted(path.stem for path in (HERE / key / "fixtures").glob("*.json"))


def recorded(key: str, name: str) -> Response:
    kept = json.loads((HERE / key / "fixtures" / f"{name}.json").read_text())
    body = kept["body"]
    return Response(
        kept["status"],
        body.encode() if isinstance(body, str) else dump_json(body),
        {header.lower(): value for header, value in kept["headers"].items()},
        at=NOON,
    )


def kinds(outcomes: Iterable[Any]) -> list[str]:
    return [outcome.kind for outcome in outcomes]
