"""Test events that staff send from the admin."""

from datetime import datetime
from typing import Any

from django.db import transaction

from hub.audit import ActorContext
from hub.outgoing.intake.publish import publish
from hub.outgoing.models import Event
from tenants.models import Tenant


@transaction.atomic
def send_staff_event(
    tenant: Tenant, type: str, data: Any, *, sender_id: str, actor: ActorContext, now: datetime
) -> Event:
    """Publish an event like any other, and audit who sent it.

    Raises EventConflict when the tenant has an event of this id with other data.
    """
    event = publish(tenant, type, data, id=sender_id, source="staff", now=now)
    after = {"type": event.type, "sender_id": event.sender_id}
    actor.audit("event.send", event, after=after, now=now)
    return event
