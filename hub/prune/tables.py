"""The tables that grow, oldest rows first: what goes when, and what stays although it is old.

A delivery that has not ended stays, however old, and with it all that it needs to be sent. The row of an event is what
knows its sender's id: as long as it is kept, the same event is not taken twice.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Model, QuerySet

from hub.connections.models import Authorization, ConnectLink, CredentialEvent
from hub.mail.models import Mail
from hub.notices.models import Notice
from hub.operations.models import Operation
from hub.outgoing.models import Delivery, Event, EventBody, Exchange, Rendering
from tenants.models import PortalLink

UNENDED = ("waiting", "sending", "held")
Ages = dict[Any, datetime]


class Table(NamedTuple):
    name: str
    keeps: str  # bodies or rows: which of the two periods
    rows: Callable[[], QuerySet[Any]]
    ages: Callable[[Sequence[Any]], Ages]  # by primary key; what is missing has lost its row, and goes
    staying: Callable[[Collection[Any], datetime], Collection[Any]]


def columns(model: type[Model], column: str) -> Callable[[Sequence[Any]], Ages]:
    return lambda ids: dict(model._base_manager.filter(pk__in=ids).values_list("pk", column))


def nothing(ids: Collection[Any], cut: datetime) -> Collection[Any]:
    return ()


def needed_bodies(ids: Collection[Any], cut: datetime) -> Collection[Any]:
    return Delivery.unscoped.filter(event__in=ids, state__in=UNENDED).values_list("event", flat=True)


def needed_renderings(ids: Collection[Any], cut: datetime) -> Collection[Any]:
    return Delivery.unscoped.filter(pk__in=ids, state__in=UNENDED).values_list("pk", flat=True)


def moving_deliveries(ids: Collection[Any], cut: datetime) -> Collection[Any]:
    rows = Delivery.unscoped.filter(pk__in=ids)
    lately = rows.filter(state_changed_at__gte=cut).values_list("pk", flat=True)
    return {*needed_renderings(ids, cut), *lately}


def delivered_events(ids: Collection[Any], cut: datetime) -> Collection[Any]:
    return Delivery.unscoped.filter(event__in=ids).values_list("event", flat=True)


def running_operations(ids: Collection[Any], cut: datetime) -> Collection[Any]:
    return Operation.unscoped.filter(pk__in=ids, state="running").values_list("pk", flat=True)


def open_notices(ids: Collection[Any], cut: datetime) -> Collection[Any]:
    rows = Notice.unscoped.filter(pk__in=ids, kind="needs_reconnect", resolved_at=None)
    return rows.values_list("pk", flat=True)


def waiting_mails(ids: Collection[Any], cut: datetime) -> Collection[Any]:
    return Mail.objects.filter(pk__in=ids, state="waiting").values_list("pk", flat=True)


TABLES = (  # in this order: a row goes after what hangs on it
    Table("exchanges", "bodies", Exchange.objects.all, columns(Exchange, "at"), nothing),
    Table("renderings", "bodies", Rendering.objects.all, columns(Delivery, "accepted_at"), needed_renderings),
    Table("event bodies", "bodies", EventBody.objects.all, columns(Event, "accepted_at"), needed_bodies),
    Table("deliveries", "rows", Delivery.unscoped.all, columns(Delivery, "accepted_at"), moving_deliveries),
    Table("events", "rows", Event.unscoped.all, columns(Event, "accepted_at"), delivered_events),
    Table("mails", "bodies", Mail.objects.all, columns(Mail, "created_at"), waiting_mails),
    Table("authorizations", "rows", Authorization.unscoped.all, columns(Authorization, "created_at"), nothing),
    Table("connect links", "rows", ConnectLink.unscoped.all, columns(ConnectLink, "created_at"), nothing),
    Table("portal links", "rows", PortalLink.unscoped.all, columns(PortalLink, "created_at"), nothing),
    Table("credential events", "rows", CredentialEvent.unscoped.all, columns(CredentialEvent, "at"), nothing),
    Table("notices", "rows", Notice.unscoped.all, columns(Notice, "created_at"), open_notices),
    Table("operations", "rows", Operation.unscoped.all, columns(Operation, "planned_at"), running_operations),
)
