"""Notices about webhook sources whose requests were all rejected for ten minutes."""

from datetime import datetime, timedelta

from django.db.models import Exists, Min, OuterRef, Sum

from connectors.registry import CONNECTORS
from hub.incoming.models import InboundCount, InboundEndpoint
from hub.incoming.receiving.counts import NOT_REJECTED
from hub.notices.models import Notice
from hub.notices.notify import create_notice, resolve_notices

NOTICE_KIND = "webhooks_rejected"
REJECTED_FOR = timedelta(minutes=10)
MIN_REJECTIONS = 3  # a single stray request is no broken source
LOOK_BACK = timedelta(minutes=20)  # for the first rejection, in case the sweep did not run


def notify_rejected_sources(*, now: datetime) -> None:
    """Create a notice for each endpoint that rejected all of its requests; a step of the sweep.

    Condition: a request was rejected ten minutes ago or earlier, at least MIN_REJECTIONS since
    then, and none was accepted. The notice is resolved when a request is accepted again.
    """
    recent = InboundCount.unscoped.filter(minute__gte=now - LOOK_BACK)
    accepted = recent.filter(endpoint=OuterRef("endpoint"), cause__in=("accepted", "duplicate"))
    rejected = recent.exclude(cause__in=NOT_REJECTED).exclude(Exists(accepted))
    totals = rejected.values("endpoint").annotate(first=Min("minute"), total=Sum("count"))
    rejected_for_long = totals.filter(first__lte=now - REJECTED_FOR, total__gte=MIN_REJECTIONS)
    since = dict(rejected_for_long.values_list("endpoint", "first").order_by())
    if since:
        endpoints = InboundEndpoint.unscoped.filter(pk__in=since).select_related("connection")
        for endpoint in endpoints:
            notify_rejected_source(endpoint, since[endpoint.pk], now=now)
    resolve_accepted_sources(now=now)


def notify_rejected_source(endpoint: InboundEndpoint, since: datetime, *, now: datetime) -> None:
    """Create the notice, at most once a day."""
    connection, connector = endpoint.connection, CONNECTORS.get(endpoint.connector_key)
    system = connector.label if connector else endpoint.connector_key
    create_notice(
        NOTICE_KIND,
        "webhooks_rejected",
        {
            "connection": connection.name if connection else system,
            "system": system,
            "since": f"{since:%Y-%m-%d %H:%M} UTC",
        },
        occurrence=f"{endpoint.pk}:{now:%Y-%m-%d}",
        tenant_id=endpoint.tenant_id,
        connection_id=connection.pk if connection else None,
        now=now,
    )


def resolve_accepted_sources(*, now: datetime) -> None:
    """Resolve the notices of sources whose webhooks are accepted again."""
    accepted = InboundCount.unscoped.filter(
        endpoint__connection=OuterRef("connection"),
        cause="accepted",
        minute__gt=OuterRef("created_at"),
    )
    notices = Notice.unscoped.filter(kind=NOTICE_KIND, resolved_at=None, connection__isnull=False)
    for connection_id in notices.filter(Exists(accepted)).values_list("connection", flat=True):
        resolve_notices(NOTICE_KIND, connection_id=connection_id, now=now)
    _resolve_app_sources(now=now)


def _resolve_app_sources(*, now: datetime) -> None:
    """Resolve the notices of connector apps, whose URL serves all tenants."""
    for notice in Notice.unscoped.filter(kind=NOTICE_KIND, resolved_at=None, connection=None):
        endpoint_id = int(notice.key.removeprefix(f"{NOTICE_KIND}:").partition(":")[0])
        accepted = InboundCount.unscoped.filter(
            endpoint=endpoint_id, cause="accepted", minute__gt=notice.created_at
        )
        if accepted.exists():
            Notice.unscoped.filter(pk=notice.pk).update(resolved_at=now)
