"""The role of a connector that receives webhooks: how they are verified, read and acknowledged.

A webhook source is data and a few pure functions. The hub receives the request, verifies it over
the raw bytes (`connectors/signatures/`), stores it, and later reads its items.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from connectors.http import KIBIBYTE, Json, Request, Response, Unreadable
from connectors.outcomes import Outcome
from connectors.schema import Credential
from connectors.signatures import Scheme, SchemeError, digest_signed_content, find_signed_id
from connectors.webhook_request import WebhookRequest
from connectors.webhook_sources.canaries import Canary
from connectors.webhook_sources.feeds import Feed
from connectors.webhook_sources.handshakes import Handshake
from connectors.webhook_sources.sender_rules import SenderRule

DEFAULT_BODY_BYTES_MAX = 256 * KIBIBYTE
MAX_ID_LENGTH = 200  # characters; of a longer id the digest is used
TYPE_PATTERN = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*", re.ASCII)
MAX_TYPE_LENGTH = 80  # characters
NO_SETTINGS: Mapping[str, Any] = {}

# what a notification about the account itself means for its connection
AccountChange = Literal["", "uninstalled", "tokens_revoked"]


@dataclass(frozen=True, slots=True)
class Item:
    """One notification in a webhook request.

    `type` is `<object>.<change>`, without the connector's key. `account` is the external account
    that the notification names; empty if it names none. `data` has the shape that `event_types`
    documents for the type.
    Raises Unreadable without an id or with an unusable type, and OverflowError for a time that
    does not exist in UTC.
    """

    id: str  # the system's id, the same when it is delivered again
    type: str
    data: Mapping[str, Any]
    account: str = ""
    occurred_at: datetime | None = None
    record: str = ""  # the id of the record that changed
    # the fields that changed, with their new values; None: the system does not tell, so all of them
    changed_fields: Mapping[str, Json] | None = None
    author: str = ""  # the external user who caused it
    is_own: bool = False  # the system itself says that our app caused it
    is_by_person: bool = False  # the system itself says that a person caused it, and no app
    # when the record had been changed last, by the system's clock; None: the system does not tell
    changed_at: datetime | None = None
    account_change: AccountChange = ""
    # names the change as a read of the record names it, too; empty: no read tells of it
    change_key: str = ""

    def __post_init__(self) -> None:
        """Replace ids that a database cannot store by their digest. Raises as the class states."""
        if not self.id:
            raise Unreadable("an item has no id")
        if len(self.type) > MAX_TYPE_LENGTH or not TYPE_PATTERN.fullmatch(self.type):
            raise Unreadable(f"{self.type[:MAX_TYPE_LENGTH]!r} is not an event type")
        for name in ("id", "account", "record", "author", "change_key"):
            object.__setattr__(self, name, clean_id(getattr(self, name)))
        for name in ("occurred_at", "changed_at"):
            if moment := getattr(self, name):
                object.__setattr__(self, name, moment.astimezone(UTC))


@dataclass(frozen=True, slots=True)
class UnreadableItem:
    """A notification that cannot be read, in a request whose other notifications can."""

    detail: str


def clean_id(id: str) -> str:
    """Return the id, or its digest if it is too long or contains unprintable characters."""
    if len(id) <= MAX_ID_LENGTH and id.isprintable():
        return id
    return hashlib.sha256(id.encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, repr=False)
class StoredRequest:
    """What is stored of a request: the body without secrets, and credentials for a reply.

    `reply` is sealed; it maps names in the body to values, such as a response URL.
    """

    body: bytes
    reply: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecordChange:
    """A change that was derived from a record that was read, instead of received as a webhook.

    `body` is the body of the webhook that would have reported the change; its item has the id
    `item_id` and the type `type`.
    """

    item_id: str
    type: str  # <object>.<change>
    record: str  # the id of the record
    at: datetime
    body: bytes
    former_id: str = ""  # under which an earlier release stored it; empty: under the same
    change_key: str = ""  # of the item
    query: str = ""  # of the URL of that webhook


@dataclass(frozen=True, slots=True)
class IncomingEventType:
    """An event type that a source publishes, with its documented shape."""

    type: str  # <object>.<change>
    label: str
    schema: Mapping[str, Any]  # JSON Schema of `data`
    example: Mapping[str, Any]
    # optional permissions that the account must have granted
    permissions: tuple[str, ...] = ()
    is_only_read: bool = False  # no webhook tells of it: it is found where missed changes are read


class WebhookSource:
    """How one system delivers webhooks. Subclasses declare the data and implement `parse_items`."""

    # one URL for all tenants, at the connector app, or one for each connection
    url_per: Literal["app", "connection"] = "connection"
    scheme: Scheme
    handshakes: tuple[Handshake, ...] = ()
    # where the secrets come from: made by us, a field of the connector app or of the connection,
    # or the URL itself is the secret
    secret_from: Literal["made", "app_field", "connection_field", "url"] = "made"
    secret_field: str = ""  # the key of that field
    body_bytes_max: int = DEFAULT_BODY_BYTES_MAX  # bytes
    event_types: tuple[IncomingEventType, ...] = ()
    has_types_of_sender: bool = False  # the sender chooses the types, also such as are not listed
    answer_deadline_seconds: float = 10.0  # seconds in which the system expects the acknowledgement
    # the last attempt of the system after the first one, in seconds; 0: it does not retry
    retry_period_seconds: float = 0.0
    # what the system does when our answers fail, as far as it is documented
    sender_rules: tuple[SenderRule, ...] = ()
    rejection_status: Mapping[str, int] = {}  # where the system expects another than 401
    feeds: tuple[Feed, ...] = ()  # by which changes are read that no webhook told of
    # by object: the change by which the hub proves that its webhooks arrive, or why there is none
    canaries: Mapping[str, Canary] = {}
    no_canary: Mapping[str, str] = {}
    # names of headers, in lower case, that are stored with a message; never a secret
    stored_headers: tuple[str, ...] = ("content-type", "user-agent")

    @property
    def read_objects(self) -> Mapping[str, str]:
        """Return the keys of the collections that syncs read, each with its object.

        Those of feeds whose whole query is known without a call, and whose records change.
        """
        return {
            feed.collection: feed.object
            for feed in self.feeds
            if not (feed.is_prepared or feed.has_end)
        }

    def stored_headers_for(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the headers that are stored, for a connection with these settings."""
        return self.stored_headers

    def message_id(self, request: WebhookRequest, settings: Mapping[str, Any] = NO_SETTINGS) -> str:
        """Return the id of this delivery, the same when the system retries. Never raises.

        `settings`: of the connection. Of what the scheme does not sign nothing may be in it, as
        anyone can repeat a signed request with other headers and another query. The default is the
        id that is signed, otherwise the digest of the signed content.
        """
        try:
            scheme = self.scheme_for(settings)
        except SchemeError:
            scheme = self.scheme
        return find_signed_id(scheme, request) or digest_signed_content(scheme, request)

    def share_key(self, request: WebhookRequest) -> str:
        """Return the account for fair processing, without parsing the body fully; "" if unknown.

        Never raises.
        """
        return ""

    def find_object(self, type: str) -> str:
        """Return the object of an event type, its first part; "" if the sender chooses the types.

        `type`: without the connector's key.
        """
        return "" if self.has_types_of_sender else type.partition(".")[0]

    def is_same_account(self, account: str, connected: str) -> bool:
        """Return whether two spellings denote the same account."""
        return account == connected

    def split_secrets(self, request: WebhookRequest) -> StoredRequest:
        """Remove the secrets from a verified body; return what is stored. Never raises."""
        return StoredRequest(request.body)

    def make_secret(self, random_text: str) -> str:
        """Return a secret for a registration, derived from `random_text`."""
        return random_text

    def acknowledgement(self, request: WebhookRequest) -> Response:
        """Build the response that the system expects for an accepted request."""
        return Response(200)

    def record_changes(
        self, collection: str, record: Mapping[str, Any], *, account: str
    ) -> Sequence[RecordChange]:
        """Return what a record that a feed reads shows: its creation, and its last change.

        Of a deleted one that is its deletion. A creation has the item id that it has in a webhook.
        Raises one of READ_ERRORS.
        """
        raise NotImplementedError

    def preparation_request(self, feed: Feed, credential: Credential) -> Request:
        """Build the request whose response completes the query of a feed that is prepared."""
        raise NotImplementedError

    def parse_preparation(self, feed: Feed, response: Response) -> Mapping[str, str] | Outcome:
        """Return further parameters of the feed's collection. Raises Unreadable."""
        raise NotImplementedError

    def scheme_for(self, settings: Mapping[str, Any]) -> Scheme:
        """Return the scheme for a connection with these settings. Raises SchemeError."""
        return self.scheme

    def parse_items(
        self, request: WebhookRequest, settings: Mapping[str, Any], *, message_id: str
    ) -> Sequence[Item | UnreadableItem]:
        """Parse the items of a stored request, which was received with the id `message_id`.

        `settings`: of the connection; empty if one URL serves all connections. Raises one of
        READ_ERRORS if no item can be parsed.
        """
        raise NotImplementedError
