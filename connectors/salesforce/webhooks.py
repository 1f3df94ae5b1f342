"""What Salesforce sends us: outbound messages, SOAP with 1 to 100 notifications each.

https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging.htm:
the URL is the secret, one acknowledgement covers all notifications, an unacknowledged message is
repeated for 24 hours. A message does not state whether a record was created or updated: the URL's
query does (`change=created`), as each change has a message of its own.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from connectors.http import KIBIBYTE, Request, Response, Unreadable
from connectors.outcomes import READ_ERRORS, Outcome, clean_text, raises_unreadable
from connectors.roles import parse_instant
from connectors.salesforce.canaries import CANARIES, NO_CANARY
from connectors.salesforce.errors import find_rejection
from connectors.salesforce.feeds import (
    FEEDS,
    OUTBOUND_NAMESPACE,
    SCHEMA_INSTANCE_NAMESPACE,
    SHORT_ID_LENGTH,
    build_change_key,
    list_record_changes,
)
from connectors.salesforce.tooling_api.requests import build_describe, select_fields
from connectors.salesforce.webhook_types import (
    CHANGE_PARAMETER,
    CREATED,
    EVENT_TYPES,
    UPDATED,
    Change,
)
from connectors.schema import Credential
from connectors.signatures import SharedSecretScheme
from connectors.webhook_request import WebhookRequest
from connectors.webhook_sources import (
    Feed,
    Item,
    NothingAccepted,
    RecordChange,
    StoredRequest,
    UnreadableItem,
    WebhookSource,
)

MAX_NOTIFICATIONS = 100
MAX_DETAIL_LENGTH = 300
BODY_BYTES_MAX = 6 * 1024 * KIBIBYTE  # bytes: 100 records with long texts
RETRY_PERIOD_SECONDS = 86400.0  # seconds
ANSWER_DEADLINE_SECONDS = 60.0  # seconds
ACKNOWLEDGEMENT = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">'
    b"<soapenv:Body>"
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound">'
    b"<Ack>true</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>"
)
SESSION = re.compile(rb"<(?P<tag>(?:[A-Za-z_][\w.-]{0,40}:)?SessionId)\b[^<>]*>[^<]*</(?P=tag)\s*>")
# a tag of a session id with content; a ">" in a text need not be escaped, a "<" must be
SESSION_TAG = re.compile(rb"</?(?:[^\s<>/:]*:)?SessionId(?=[\s/>])(?![^<>]*/>)")
# what may hide an element from a search in the bytes: another encoding, a section, a DTD
HIDDEN_CONTENT_MARKS = (b"<![CDATA[", b"<!DOCTYPE", b"<!ENTITY", b"\0")


class SalesforceWebhooks(WebhookSource):
    scheme = SharedSecretScheme(location="path", body_bytes_max=BODY_BYTES_MAX)
    secret_from = "url"
    body_bytes_max = BODY_BYTES_MAX
    answer_deadline_seconds = ANSWER_DEADLINE_SECONDS
    retry_period_seconds = RETRY_PERIOD_SECONDS
    # a message is tried for 24 hours, then it is dropped
    sender_rules = (
        NothingAccepted("dropped", limit=timedelta(hours=24), warn_after=timedelta(hours=6)),
    )
    event_types = EVENT_TYPES
    feeds = FEEDS
    canaries, no_canary = CANARIES, NO_CANARY

    def split_secrets(self, request: WebhookRequest) -> StoredRequest:
        """Remove the session id, which is a live credential.

        A body that cannot be parsed may contain one, so it is not stored.
        """
        body = SESSION.sub(rb"<\g<tag>/>", request.body)
        is_hidden = any(mark in body for mark in HIDDEN_CONTENT_MARKS)
        return StoredRequest(b"" if is_hidden or SESSION_TAG.search(body) else body)

    def acknowledgement(self, request: WebhookRequest) -> Response:
        return Response(200, ACKNOWLEDGEMENT, {"content-type": "text/xml; charset=utf-8"})

    def is_same_account(self, account: str, connected: str) -> bool:
        return account[:SHORT_ID_LENGTH] == connected[:SHORT_ID_LENGTH]

    def parse_items(
        self, request: WebhookRequest, settings: Mapping[str, Any], *, message_id: str
    ) -> Sequence[Item | UnreadableItem]:
        notifications = _parse_notifications(request.body)
        organization = _get_text(notifications, "OrganizationId")
        change = _find_change(request)
        elements = notifications.findall(f"{OUTBOUND_NAMESPACE}Notification")
        if not 1 <= len(elements) <= MAX_NOTIFICATIONS:
            raise Unreadable(f"the message has {len(elements)} notifications")
        if len(elements) == 1:
            return [_read_notification(elements[0], organization, change)]
        return [_try_to_read(entry, organization, change) for entry in elements]

    def preparation_request(self, feed: Feed, credential: Credential) -> Request:
        """Build the request for the fields of the feed's object."""
        return build_describe(credential, feed.query["object"])

    @raises_unreadable
    def parse_preparation(self, feed: Feed, response: Response) -> Mapping[str, str] | Outcome:
        """Return the fields of an outbound message. Raises Unreadable."""
        if rejection := find_rejection(response):
            return rejection
        return {"fields": ", ".join(select_fields(response.json()["fields"]))}

    def record_changes(
        self, collection: str, record: Mapping[str, Any], *, account: str
    ) -> Sequence[RecordChange]:
        return list_record_changes(record, account)


def _parse_notifications(body: bytes) -> Element:
    """Return the element with the notifications. Raises Unreadable for any other SOAP message."""
    if not body:
        raise Unreadable("the message was not plain XML in UTF-8, and was not stored")
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise Unreadable(f"it is not XML: {type(error).__name__}") from error
    notifications = root.find(f".//{OUTBOUND_NAMESPACE}notifications")
    if notifications is None:
        raise Unreadable("it has no notifications")
    return notifications


def _get_text(parent: Element, name: str) -> str:
    """Return the text of a child. Raises Unreadable if it is missing or empty."""
    text = parent.findtext(f"{OUTBOUND_NAMESPACE}{name}")
    if not text:
        raise Unreadable(f"{name} is missing")
    return text


def _find_change(request: WebhookRequest) -> Change:
    """Return the change in the query of the URL. Raises Unreadable if it is missing or unknown."""
    values = request.query_values(CHANGE_PARAMETER) or [UPDATED]
    if values[0] == "created":
        return "created"
    if values[0] == "updated":
        return "updated"
    if values[0] == "deleted":
        return "deleted"
    raise Unreadable(f"the URL states the change {values[0]!r}")


def _try_to_read(entry: Element, organization: str, change: Change) -> Item | UnreadableItem:
    """Read one of several notifications; one that cannot be read does not stop the others."""
    try:
        return _read_notification(entry, organization, change)
    except READ_ERRORS as error:
        return UnreadableItem(clean_text(error, MAX_DETAIL_LENGTH))


def _read_notification(entry: Element, organization: str, change: Change) -> Item:
    record = next((child for child in entry if child.tag == f"{OUTBOUND_NAMESPACE}sObject"), None)
    if record is None:
        raise Unreadable("a notification has no record")
    object = record.get(f"{SCHEMA_INSTANCE_NAMESPACE}type", "").rpartition(":")[2]
    if not object:
        raise Unreadable("a record does not state its object")
    fields = {_get_local_name(child): _get_value(child) for child in record}
    # a message has the values of when it is sent: the last change may be another person's
    author = fields.get("CreatedById" if change == CREATED else "LastModifiedById")
    id, stamp = str(fields.get("Id") or ""), parse_instant(fields.get("SystemModstamp"))
    key = build_change_key(object.lower(), change, organization, id, stamp) if id else ""
    return Item(
        id=_get_text(entry, "Id"),
        type=f"{object.lower()}.{change}",
        data={"id": id, "object": object, "record": fields},
        account=organization,
        record=id,
        author=str(author or ""),
        changed_at=parse_instant(fields.get("LastModifiedDate") or fields.get("SystemModstamp")),
        change_key=key,
    )


def _get_local_name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _get_value(element: Element) -> str | None:
    """Return the text of a field; None for a null."""
    is_null = element.get(f"{SCHEMA_INSTANCE_NAMESPACE}nil") in ("true", "1")
    return None if is_null else element.text or ""
