"""Plan an operation on deliveries: one, those that were selected, or all that match a filter."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from hub.connections.models import Connection
from hub.operations import start
from hub.operations.models import Operation
from hub.operations.start import Hand
from hub.outgoing.chosen import chosen
from hub.outgoing.forecast import Forecast, forecast
from hub.outgoing.missing import forecast_missing
from tenants.models import Tenant

KINDS = {
    "retry": _("Retry"),
    "send_again": _("Send again"),
    "cancel": _("Cancel"),
    "skip": _("Skip"),
}
LABELS = {
    **KINDS,
    "send_missing": _("Send what is missing"),
    "erase": _("Erase what was sent"),
}  # of every kind there is
SELECTED_MOST = 1000


def foresee(
    kind: str, filter: Mapping[str, Any], *, tenant: Tenant | None, includes_platform: bool, now: datetime
) -> Forecast:
    """The plan without writing it down."""
    return forecast(kind, chosen(kind, filter, tenant, includes_platform=includes_platform), now=now)


def plan(
    kind: str, filter: Mapping[str, Any], *, tenant: Tenant | None, reason: str, hand: Hand, now: datetime
) -> Operation:
    """Write down what would be done; `start.confirm` does it. Without a tenant, on rows of all tenants."""
    if tenant is None and not hand.everywhere:
        raise PermissionError("an operation over all tenants, by somebody whose reach ends at some")
    seen = foresee(kind, filter, tenant=tenant, includes_platform=hand.everywhere, now=now)
    return keep(kind, filter, seen, tenant=tenant, reason=reason, hand=hand, now=now)


def plan_missing(connection: Connection, *, since: datetime, reason: str, hand: Hand, now: datetime) -> Operation:
    """The same for events that a connection would get today and never got."""
    seen = forecast_missing(connection, since=since, now=now)
    filter = {"connection": str(connection.public_id), "since": since.isoformat()}
    return keep("send_missing", filter, seen, tenant=connection.tenant, reason=reason, hand=hand, now=now)


def keep(
    kind: str,
    filter: Mapping[str, Any],
    seen: Forecast,
    *,
    tenant: Tenant | None,
    reason: str,
    hand: Hand,
    now: datetime,
) -> Operation:
    return start.keep(
        hand,
        kind=kind,
        filter=dict(filter),
        includes_platform=hand.everywhere,
        tenant=tenant,
        reason=reason,
        plan=seen.facts,
        count=seen.count,
        more=seen.more,
        cursor=seen.cursor,
        last=seen.last,
        now=now,
    )
