"""Notice that no web process answered for a while, and open the gaps of what may be missed.

Each web process writes the heartbeat `web`; workers do not, as they receive nothing.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from connectors.registry import CONNECTORS
from connectors.webhook_sources import WebhookSource
from hub.connections.models import DISCONNECTED
from hub.incoming.gaps import open_gap
from hub.incoming.models import InboundGap, InboundSource
from hub.incoming.registration.installation.address import find_former_url
from hub.queue import Heartbeat, record_heartbeat

WEB = "web"
# begin and end of an outage, while the gaps of its sources are being opened
LOST, BACK = "web_lost", "web_back"
RETURNED = "web_returned"  # end of the last outage, also of one that no system missed anything by
OUTAGE_MIN = timedelta(seconds=90)  # without a heartbeat
# a system that sends again is trusted with a shorter outage, although its changes can be read
READ_AFTER = timedelta(minutes=15)
OVERLAP = timedelta(minutes=2)  # before the last heartbeat: answers may have been lost
SOURCES_AT_ONCE = 100  # of one sweep


def note_web_heartbeat(*, at_once: int = SOURCES_AT_ONCE, now: datetime) -> None:
    """Record that a web process is alive; after an outage, open the gaps of all sources.

    A step of the sweep of web processes. Begin and end of the outage are stored until all gaps are
    open: a process that dies meanwhile is continued by the next one, whose own outage makes it
    longer. A copy of an installation, to which nothing is sent, opens none.
    """
    last_at = Heartbeat.objects.filter(name=WEB).values_list("at", flat=True).first()
    if last_at is not None and now - last_at > OUTAGE_MIN and not find_former_url():
        _note_outage(last_at, now=now)
    else:
        record_heartbeat(WEB, now=now)
    outage = dict(Heartbeat.objects.filter(name__in=(LOST, BACK)).values_list("name", "at"))
    if len(outage) == 2:
        _open_gaps(outage[LOST], outage[BACK], at_once, now=now)


@transaction.atomic
def _note_outage(last_at: datetime, *, now: datetime) -> None:
    """Store an outage since the last heartbeat; of several processes only the first one does."""
    if Heartbeat.objects.filter(name=WEB, at=last_at).update(at=now):
        Heartbeat.objects.get_or_create(name=LOST, defaults={"at": last_at})
        record_heartbeat(BACK, now=now)
        record_heartbeat(RETURNED, now=now)


def has_been_down(since: datetime, *, now: datetime) -> bool:
    """Return whether no web process answers, or an outage ended after this time."""
    is_down = Q(name=WEB, at__lt=now - OUTAGE_MIN)
    return Heartbeat.objects.filter(is_down | Q(name=RETURNED, at__gt=since)).exists()


def _open_gaps(lost_at: datetime, back_at: datetime, at_once: int, *, now: datetime) -> None:
    """Open gaps of an outage, of some sources; forget it when all have one."""
    sources = list(_select_affected(lost_at, back_at)[:at_once])
    for source in sources:
        open_gap(source, "outage", from_at=lost_at - OVERLAP, to_at=back_at, now=now)
    if len(sources) == at_once:
        return
    with transaction.atomic():
        if Heartbeat.objects.filter(name=BACK, at=back_at).delete()[0]:  # it became no longer
            Heartbeat.objects.filter(name=LOST).delete()


def _select_affected(lost_at: datetime, back_at: datetime) -> QuerySet[InboundSource]:
    """Return a queryset of the sources that may have missed something, and have no gap of it."""
    keys = [
        key
        for key, connector in CONNECTORS.items()
        if connector.webhook_source and _may_miss(connector.webhook_source, back_at - lost_at)
    ]
    lasts = Q(to_at=None, state__in=InboundGap.UNFINISHED_STATES)
    gaps = InboundGap.unscoped.filter(source=OuterRef("pk"), from_at__lte=lost_at)
    sources = InboundSource.unscoped.filter(retired_at=None, connection__connector_key__in=keys)
    return (
        sources.exclude(Exists(gaps.filter(lasts | Q(to_at__gte=back_at))))
        .exclude(connection__state="disabled", connection__reason=DISCONNECTED)
        .select_related("connection", "tenant")
        .order_by("pk")
    )


def _may_miss(source: WebhookSource, outage: timedelta) -> bool:
    """Return whether a system may not send again what an outage of this length refused."""
    return outage.total_seconds() > source.retry_period_seconds or (
        bool(source.feeds) and outage > READ_AFTER
    )
