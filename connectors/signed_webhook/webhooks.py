"""Webhooks of any sender that signs them: a JSON object, or a form.

Form fields become texts; a repeated field becomes a list. By default Standard Webhooks 1.0.0
(https://www.standardwebhooks.com): `webhook-id` is the same in all attempts, `type` names the
event.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

from connectors.http import Json, Unreadable, load_exact_json
from connectors.signatures import STANDARD_WEBHOOKS, HmacScheme, Scheme
from connectors.signed_webhook.schema import SIGNING_SECRET, build_scheme, find_scheme
from connectors.signed_webhook.webhook_types import EVENT_TYPES, MESSAGE_RECEIVED
from connectors.webhook_request import WebhookRequest
from connectors.webhook_sources import (
    NO_SETTINGS,
    HeartbeatEvent,
    Item,
    NothingAccepted,
    WebhookSource,
)

MAX_FORM_FIELDS = 1000
MAX_TYPE_LENGTH = 80  # characters
ANSWER_DEADLINE_SECONDS = 15.0  # seconds; "15-30 s" in Standard Webhooks
# seconds: the schedule that Standard Webhooks suggests
RETRY_PERIOD_SECONDS = 76 * 3600.0 + 35 * 60.0
OTHER_CHARACTERS = re.compile(r"[^a-z0-9_.]+")
SEVERAL_DOTS = re.compile(r"\.{2,}")


class SignedWebhooks(WebhookSource):
    scheme = STANDARD_WEBHOOKS
    secret_from = "connection_field"
    secret_field = SIGNING_SECRET
    answer_deadline_seconds = ANSWER_DEADLINE_SECONDS
    retry_period_seconds = RETRY_PERIOD_SECONDS
    # Svix, which many senders use, disables an endpoint after five days of failures
    sender_rules = (
        NothingAccepted("switched_off", limit=timedelta(days=5), warn_after=timedelta(days=1)),
    )
    event_types = EVENT_TYPES
    has_types_of_sender = True
    canaries = {"": HeartbeatEvent()}

    def scheme_for(self, settings: Mapping[str, Any]) -> Scheme:
        return build_scheme(settings)

    def stored_headers_for(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Add the headers with the sender's id, for a person who looks for a message."""
        scheme = find_scheme(settings)
        schemes = [scheme, scheme.alternative] if isinstance(scheme, HmacScheme) else []
        names = [entry.id_header for entry in schemes if entry]
        names.append(str(settings.get("item_id_header") or ""))
        return (*self.stored_headers, *(name.lower() for name in names if name))

    def message_id(self, request: WebhookRequest, settings: Mapping[str, Any] = NO_SETTINGS) -> str:
        """Return the event's id from where the settings say, otherwise what the sender signed."""
        path = str(settings.get("item_id_path") or "")
        id = _format_id(find_value(_parse_body(request), path)) if path else ""
        return id or super().message_id(request, settings)

    def parse_items(
        self, request: WebhookRequest, settings: Mapping[str, Any], *, message_id: str
    ) -> Sequence[Item]:
        """Return the one item of a message. Its id is the message's id: stored headers are masked,
        so it cannot be read from them again.
        """
        document = _parse_body(request)
        if document is None:
            raise Unreadable("the body is neither an object of JSON nor a form")
        type = find_value(document, str(settings.get("type_path") or "type"))
        return [Item(id=message_id, type=clean_event_type(type), data=document)]


def clean_event_type(value: Json) -> str:
    """Convert the sender's event type to [a-z0-9_.]; MESSAGE_RECEIVED if it is missing."""
    if not isinstance(value, str):
        return MESSAGE_RECEIVED
    type = OTHER_CHARACTERS.sub("_", value.lower())
    type = SEVERAL_DOTS.sub(".", type).strip(".")[:MAX_TYPE_LENGTH].rstrip(".")
    return type or MESSAGE_RECEIVED


def find_value(document: Json, path: str) -> Json:
    """Return the value at a dotted path of names and positions; None if there is none."""
    value = document
    for name in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and len(name) < 6:
            value = value[int(name)] if int(name) < len(value) else None
        else:
            return None
    return value


def _format_id(value: Json) -> str:
    """Return a text or an integer as an id; "" for any other value.

    A form field that is repeated with one value is that value: Twilio signs it once.
    """
    if isinstance(value, list) and value and all(entry == value[0] for entry in value):
        value = value[0]
    if isinstance(value, str) and value.isprintable():
        return value
    return str(value) if type(value) is int else ""


def _parse_body(request: WebhookRequest) -> dict[str, Json] | None:
    """Return the body's JSON object or form fields; None for any other body. Never raises."""
    try:
        if request.is_form():
            return _parse_form(request.body.decode())
        value = load_exact_json(request.body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _parse_form(text: str) -> dict[str, Json]:
    """Return the fields of a form; a list of values for a repeated one. Raises ValueError."""
    values_by_name: dict[str, list[Json]] = {}
    fields = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    for name, value in fields:
        values_by_name.setdefault(name, []).append(value)
    return {
        name: values if len(values) > 1 else values[0] for name, values in values_by_name.items()
    }
