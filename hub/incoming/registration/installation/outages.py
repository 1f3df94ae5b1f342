"""Notice that no web process answered for a while, and open the gaps of what may be missed.

Each web process writes the heartbeat `web`; workers do not, as they receive nothing.
"""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from connectors.registry import CONNECTORS
from connectors.webhook_sources import WebhookSource
from hub.connections.models import DISCONNECTED
from hub.incoming.gaps import open_gap
from hub.incoming.models import InboundGap, InboundSource
from hub.incoming.registration.installation.address import find_former_url
from hub.queue import Heartbeat, record_heartbeat

WEB = "web"
OUTAGE_MIN = timedelta(seconds=90)  # without a heartbeat
# a system that sends again is trusted with a shorter outage, although its changes can be read
READ_AFTER = timedelta(minutes=15)
OVERLAP = timedelta(minutes=2)  # before the last heartbeat: answers may have been lost
SOURCES_AT_ONCE = 100  # of one sweep


def note_web_heartbeat(*, at_once: int = SOURCES_AT_ONCE, now: datetime) -> None:
    """Record that a web process is alive; after an outage, open the gaps of all sources first.

    A step of the sweep of web processes. The heartbeat stays old until all gaps are open, so a
    process that dies meanwhile is continued by the next one. A copy of an installation, to which
    nothing is sent, opens none.
    """
    beat = Heartbeat.objects.filter(name=WEB).first()
    if beat is not None and now - beat.at > OUTAGE_MIN and not find_former_url():
        sources = list(_select_affected(beat.at, now=now)[:at_once])
        for source in sources:
            open_gap(source, "outage", from_at=beat.at - OVERLAP, to_at=now, now=now)
        if len(sources) == at_once:
            return
    record_heartbeat(WEB, now=now)


def _select_affected(last_at: datetime, *, now: datetime) -> QuerySet[InboundSource]:
    """Return a queryset of the sources that may have missed something since, without a gap."""
    keys = [
        key
        for key, connector in CONNECTORS.items()
        if connector.webhook_source and _may_miss(connector.webhook_source, now - last_at)
    ]
    is_covered = Q(to_at=None) | Q(to_at__gt=last_at)
    covering = InboundGap.unscoped.filter(is_covered, source=OuterRef("pk"), from_at__lte=last_at)
    sources = InboundSource.unscoped.filter(retired_at=None, connection__connector_key__in=keys)
    return (
        sources.exclude(Exists(covering))
        .exclude(connection__state="disabled", connection__reason=DISCONNECTED)
        .select_related("connection", "tenant")
        .order_by("pk")
    )


def _may_miss(source: WebhookSource, outage: timedelta) -> bool:
    """Return whether a system may not send again what an outage of this length refused."""
    return outage.total_seconds() > source.retry_period_seconds or (
        bool(source.feeds) and outage > READ_AFTER
    )
