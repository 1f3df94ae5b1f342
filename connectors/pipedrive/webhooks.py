"""What Pipedrive sends us: webhooks v2 of persons, organizations, deals, leads and others.

https://pipedrive.readme.io/docs/guide-for-webhooks-v2: HTTP Basic, `meta`, `data` and `previous`;
retried after 3, 30 and 150 seconds.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.http import Json, Unreadable, dump_json, load_exact_json
from connectors.pipedrive.canaries import CANARIES, NO_CANARY
from connectors.pipedrive.webhook_types import CHANGES, EVENT_TYPES
from connectors.roles import parse_instant
from connectors.signatures import SharedSecretScheme
from connectors.webhook_request import WebhookRequest
from connectors.webhook_sources import (
    NO_SETTINGS,
    FailuresInARow,
    Feed,
    Item,
    NothingAccepted,
    RecordChange,
    WebhookSource,
)

USERNAME = "hub"
RETRY_PERIOD_SECONDS = 183.0  # seconds
BANNED_FOR = timedelta(minutes=30)
DELETIONS_LISTED_FOR = timedelta(days=30)
# fields of `previous` that no person changes by themselves, or that are compared one by one
UNCOMPARED_FIELDS = {"custom_fields", "update_time"}
BY_PERSON = "app"  # `change_source` of what a person changed in Pipedrive itself
PARTS_OF_NAME = {"first_name", "last_name"}


class PipedriveWebhooks(WebhookSource):
    scheme = SharedSecretScheme(location="basic")
    secret_from = "made"
    retry_period_seconds = RETRY_PERIOD_SECONDS
    # guide-for-webhooks-v2 (2026-11): ten failed first attempts ban a webhook for 30 minutes, whose
    # events are lost; one without a success on three consecutive days is deleted
    sender_rules = (
        FailuresInARow("banned", limit=10, warn_count=5, stops_for=BANNED_FOR),
        NothingAccepted("deleted", limit=timedelta(days=3), warn_after=timedelta(days=1)),
    )
    event_types = EVENT_TYPES
    # of what was deleted, only deals are listed, for 30 days; leads and notes have no such list
    feeds = (
        Feed("person", "persons", {}, lost_changes=("deleted",)),
        Feed("organization", "organizations", {}, lost_changes=("deleted",)),
        Feed("deal", "deals", {"deleted": "true"}, kept_for=DELETIONS_LISTED_FOR),
        Feed("activity", "activities", {}, lost_changes=("deleted",)),
    )
    canaries, no_canary = CANARIES, NO_CANARY

    def make_secret(self, random_text: str) -> str:
        return f"{USERNAME}:{random_text}"

    def message_id(self, request: WebhookRequest, settings: Mapping[str, Any] = NO_SETTINGS) -> str:
        """Return the id of the change and of the webhook, the same in all attempts."""
        meta = _as_object(_parse_body(request).get("meta"))
        id, webhook = meta.get("id"), meta.get("webhook_id")
        is_usable = isinstance(id, str) and bool(id)
        return f"{id}:{webhook}" if is_usable else super().message_id(request)

    def parse_items(
        self, request: WebhookRequest, settings: Mapping[str, Any], *, message_id: str
    ) -> Sequence[Item]:
        document = _parse_body(request)
        meta = _as_object(document["meta"])
        change = CHANGES.get(str(meta["action"]))
        if change is None:
            raise Unreadable(f"the action {meta['action']} is not known")
        previous = _as_object(document.get("previous"))
        record = _as_object(document.get("data")) or previous
        is_creation = change == "created"
        account, record_id = _read_id(meta, "company_id"), _read_id(meta, "entity_id")
        item = Item(
            # The same change arrives by each webhook that it matches. A record is created once,
            # which is known without a webhook, too.
            id=build_creation_id(meta) if is_creation else str(meta.get("id") or message_id),
            type=f"{meta['entity']}.{change}",
            data={
                "id": record_id,
                "record": record,
                "previous": previous if change == "updated" else {},
                "user": str(meta.get("user_id") or ""),
            },
            account=account,
            occurred_at=_parse_time(meta.get("timestamp")),
            record=record_id,
            changed_fields=_find_changed(change, record, document.get("previous")),
            author=str(meta.get("user_id") or ""),
            is_by_person=meta.get("change_source") == BY_PERSON,
            changed_at=_find_time_of_change(meta, record),
            change_key=build_change_key(meta, record),
        )
        return [item]

    def record_changes(
        self, collection: str, record: Mapping[str, Any], *, account: str
    ) -> Sequence[RecordChange]:
        """Return the creation of a record, and its last change if there was one, or its deletion.

        Records of the API have the fields of webhooks; custom fields are wrapped as they are there.
        """
        object, id = self.read_objects[collection], str(record["id"])
        times = {"create": record["add_time"], "change": record["update_time"]}
        if record.get("is_deleted") is True:
            times = {"delete": record["update_time"]}
        changes = []
        for action, time in times.items():
            at = _parse_time(time)
            if at is None or (action == "change" and time == times["create"]):
                continue
            meta = {
                "id": f"{object}.{CHANGES[action]}:{id}:{time}",
                "action": action,
                "entity": object,
                "entity_id": id,
                "company_id": account,
                "timestamp": time,
            }
            is_creation = action == "create"
            item_id = build_creation_id(meta) if is_creation else meta["id"]
            former_id = build_former_creation_id(meta) if is_creation else ""
            # without `previous`: which fields have changed is unknown
            body = dump_json({"meta": meta, "data": _wrap_custom_fields(record), "previous": None})
            type = f"{object}.{CHANGES[action]}"
            key = build_change_key(meta, record)
            changes.append(RecordChange(item_id, type, id, at, body, former_id, key))
        return changes


def build_change_key(meta: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """Return the key of a record's change by the second in which it was made; "" if unknown.

    A creation has an id that a read knows, and a record is deleted once.
    """
    if meta["action"] == "create":
        return ""
    ids = f"{meta['company_id']}:{meta['entity_id']}"
    if meta["action"] == "delete":
        return f"{meta['entity']}.deleted:{ids}"
    at = parse_instant(record.get("update_time"))
    return f"{meta['entity']}:{ids}:{at:%Y-%m-%dT%H:%M:%SZ}" if at else ""


def build_creation_id(meta: Mapping[str, Any]) -> str:
    """Return the id of a creation; with the company, as each one's record ids begin with 1."""
    return f"{meta['entity']}.created:{meta['company_id']}:{meta['entity_id']}"


def build_former_creation_id(meta: Mapping[str, Any]) -> str:
    """Return the id of a creation without the company, as earlier releases stored it."""
    return f"{meta['entity']}.created:{meta['entity_id']}"


def _wrap_custom_fields(record: Mapping[str, Any]) -> dict[str, Any]:
    custom = {
        key: {"value": value} if value is not None and not isinstance(value, dict) else value
        for key, value in _as_object(record.get("custom_fields")).items()
    }
    return {**record, "custom_fields": custom}


def _find_changed(
    change: str, record: Mapping[str, Json], previous: Json
) -> Mapping[str, Json] | None:
    """Return the changed fields with their new values; None if all changed, or if it is unknown.

    `previous` holds only the fields that changed.
    """
    if change != "updated" or not isinstance(previous, dict):
        return None
    changed = {key: record.get(key) for key in previous if key not in UNCOMPARED_FIELDS}
    if "name" in changed:  # Pipedrive splits it
        changed = {key: value for key, value in changed.items() if key not in PARTS_OF_NAME}
    custom = _as_object(record.get("custom_fields"))
    return changed | {key: custom.get(key) for key in _as_object(previous.get("custom_fields"))}


def _find_time_of_change(meta: Mapping[str, Any], record: Mapping[str, Any]) -> datetime | None:
    """Return when the record had been changed last; a deleted one tells of what was before."""
    timestamp = parse_instant(meta.get("timestamp"))
    if meta["action"] == "delete" and timestamp:
        return timestamp
    return parse_instant(record.get("update_time")) or timestamp


def _parse_body(request: WebhookRequest) -> dict[str, Any]:
    try:
        return _as_object(load_exact_json(request.body))
    except ValueError:
        return {}


def _as_object(value: Json) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _read_id(meta: Mapping[str, Any], name: str) -> str:
    """Return an id of `meta` as text. Raises Unreadable for anything but a text or an integer."""
    value = meta.get(name)
    text = str(value).strip() if isinstance(value, str) or type(value) is int else ""
    if not text:
        raise Unreadable(f"its {name} is not an id")
    return text


def _parse_time(value: Json) -> datetime | None:
    """Parse a time with a UTC offset; None if it has no offset. Raises ValueError."""
    moment = datetime.fromisoformat(str(value)) if value else None
    return moment if moment and moment.tzinfo else None
