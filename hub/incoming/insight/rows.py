"""The rows in lists of received webhooks: items, and rejected requests."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from connectors.signatures import Cause
from hub.connections.models import Connection
from hub.incoming.models import InboundItem, InboundMessage
from hub.incoming.receiving.retry_window import find_retry_end
from hub.reason_codes import ITEM_REASONS, translate_text
from hub.state_texts import ITEM_STATES
from tenants.models import Tenant

REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class InboundRow:
    """An item with its message, or a rejected message without an item."""

    message: InboundMessage
    item: InboundItem | None = None

    @property
    def public_id(self) -> UUID:
        return self.item.public_id if self.item else self.message.public_id

    @property
    def state(self) -> str:
        return self.item.state if self.item else REJECTED

    @property
    def reason(self) -> str:
        return self.item.reason if self.item else self.message.cause

    @property
    def tenant(self) -> Tenant | None:
        return self.item.tenant if self.item else self.message.tenant

    @property
    def connection(self) -> Connection | None:
        return self.item.connection if self.item else self.message.connection

    @property
    def sentence(self) -> str:
        """Return the sentence that explains the state or its reason."""
        if self.item is None:
            return describe_cause(self.message.cause)
        reason = ITEM_REASONS.get(self.item.reason)
        return reason.sentence if reason else ITEM_STATES[self.item.state].sentence

    @property
    def action(self) -> str:
        """Return what a person can do; "" if nothing."""
        if self.item is None:
            return describe_remedy(self.message.cause)
        reason = ITEM_REASONS.get(self.item.reason)
        return reason.action if reason else ""

    @property
    def retries_until(self) -> datetime | None:
        """Return until when the system repeats a rejected request; None if it does not."""
        return None if self.item else find_retry_end(self.message)


def describe_cause(cause: str) -> str:
    """Return the sentence of the cause of a rejection."""
    if cause == "address_not_allowed":
        return _("The request came from an address that is not allowed.")
    if cause in set(Cause):
        return translate_text(Cause(cause).sentence)
    return cause.replace("_", " ")


def describe_remedy(cause: str) -> str:
    """Return what a person can do so that the next request is accepted; "" if nothing."""
    if cause == "address_not_allowed":
        return _("Add the address to the allowed sources, if it belongs to the system.")
    if cause in ("no_secret", "unusable_secret"):
        return _("Enter the secret that the system shows, or repair the webhook subscription.")
    if cause in ("wrong_secret", "unknown_key_id"):
        return _("Compare the secret with the system's. Repair the webhook subscription.")
    if cause in ("stale_timestamp", "future_timestamp"):
        return _("Compare the system's clock with ours.")
    return ""


def readable_items() -> QuerySet[InboundItem]:
    """Return a queryset of items with the columns of a row, in one query."""
    return InboundItem.unscoped.select_related("tenant", "connection", "event", "message")


def rejected_messages() -> QuerySet[InboundMessage]:
    """Return a queryset of rejected requests with the columns of a row, in one query."""
    rows = InboundMessage.unscoped.select_related("tenant", "connection")
    return rows.filter(state=InboundMessage.State.REJECTED)


def build_row(instance: InboundItem | InboundMessage) -> InboundRow:
    if isinstance(instance, InboundItem):
        return InboundRow(instance.message, instance)
    return InboundRow(instance)
