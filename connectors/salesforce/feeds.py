"""What is read of records whose outbound messages did not arrive, in the form of these.

https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/
system_fields.htm (2026-11): SystemModstamp is set by each change, of a person or of an automation,
and by the deletion, which sets IsDeleted.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, SubElement, tostring

from connectors.http import Unreadable
from connectors.roles import parse_instant
from connectors.salesforce.webhook_types import (
    CHANGE_PARAMETER,
    CREATED,
    DELETED,
    OBJECT_NAMES,
    UPDATED,
    Change,
)
from connectors.webhook_sources import Feed, RecordChange

OUTBOUND_NAMESPACE = "{http://soap.sforce.com/2005/09/outbound}"
SCHEMA_INSTANCE_NAMESPACE = "{http://www.w3.org/2001/XMLSchema-instance}"
SHORT_ID_LENGTH = 15  # significant characters of an id; the other three are a checksum
RECORD_NAMESPACE = "{urn:sobject.enterprise.soap.sforce.com}"
NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# "deleted records are in the Recycle Bin for 15 days"; queryAll returns those that are in it
DELETIONS_KEPT_FOR = timedelta(days=15)
# SystemModstamp is the time of the save; other transactions see it at the end of its transaction
SETTLE = timedelta(minutes=1)
FEEDS = tuple(
    Feed(
        key,
        "records",
        {"object": object, "deleted": "true"},
        kept_for=DELETIONS_KEPT_FOR,
        settle=SETTLE,
        is_prepared=True,
    )
    for key, object in OBJECT_NAMES.items()
)
# REST writes +0000 where an outbound message writes Z
MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]+)\+0000", re.ASCII)


def build_change_key(
    object: str, change: Change, organization: str, id: str, changed_at: datetime | None
) -> str:
    """Return the key of a record's change by its SystemModstamp; "" if that is unknown.

    A record is created once, and deleted once.
    """
    short_id = id[:SHORT_ID_LENGTH]
    if change != UPDATED:
        return f"{object}.{change}:{organization[:SHORT_ID_LENGTH]}:{short_id}"
    return f"{object}:{short_id}:{changed_at:%Y-%m-%dT%H:%M:%SZ}" if changed_at else ""


def list_record_changes(record: Mapping[str, Any], organization: str) -> Sequence[RecordChange]:
    """Return the creation of a record and its last change, or its deletion.

    Raises one of READ_ERRORS for a record without id, object or times.
    """
    name, id = str(record["attributes"]["type"]), str(record["Id"])
    created_at, changed_at = (
        parse_instant(record[field]) for field in ("CreatedDate", "SystemModstamp")
    )
    if created_at is None or changed_at is None:
        raise Unreadable("the times of the record cannot be read")
    times: dict[Change, datetime] = {CREATED: created_at, UPDATED: changed_at}
    if record.get("IsDeleted") is True:
        times = {DELETED: changed_at}
    elif changed_at == created_at:
        del times[UPDATED]
    changes = []
    for change, at in times.items():
        key = build_change_key(name.lower(), change, organization, id, at)
        body = _build_message(name, record, organization, notification_id=f"read:{key}")
        query = urlencode({CHANGE_PARAMETER: change})
        type = f"{name.lower()}.{change}"
        changes.append(RecordChange(f"read:{key}", type, id, at, body, change_key=key, query=query))
    return changes


def _build_message(
    object: str, record: Mapping[str, Any], organization: str, *, notification_id: str
) -> bytes:
    """Build an outbound message of one record; as in theirs, a null has no element."""
    root = Element(f"{OUTBOUND_NAMESPACE}notifications")
    SubElement(root, f"{OUTBOUND_NAMESPACE}OrganizationId").text = organization
    notification = SubElement(root, f"{OUTBOUND_NAMESPACE}Notification")
    SubElement(notification, f"{OUTBOUND_NAMESPACE}Id").text = notification_id
    type = {f"{SCHEMA_INSTANCE_NAMESPACE}type": f"sf:{object}"}
    fields = SubElement(notification, f"{OUTBOUND_NAMESPACE}sObject", type)
    for name, value in record.items():
        if isinstance(value, str | bool | int | float | Decimal):
            SubElement(fields, f"{RECORD_NAMESPACE}{name}").text = _write_value(value)
    envelope = Element("Envelope")
    envelope.append(root)
    body: bytes = tostring(envelope, encoding="utf-8")
    return body


def _write_value(value: str | bool | int | float | Decimal) -> str:
    """Return a value as outbound messages write it; characters that XML forbids are replaced."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return NOT_IN_XML.sub("\ufffd", MOMENT.sub(r"\1Z", str(value)))
