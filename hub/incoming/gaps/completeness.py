"""Until when a source is complete: nothing that changed before was missed."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo

from django.db.models import DateTimeField, Expression, F, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce, Greatest, Least, NullIf
from django.utils.translation import gettext as _

from hub.connections.models import Connection
from hub.incoming.gaps.gap_texts import describe_gap
from hub.incoming.gaps.sources import find_sources
from hub.incoming.models import InboundGap, InboundSource

PROOFS = ("heard_at", "canary_heard_at", "listed_at", "read_until")
BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)


def complete_until(source: InboundSource, gaps: Iterable[InboundGap]) -> datetime | None:
    """Return from when on a gap of a source misses something, or else its last proof.

    `gaps` are those of the source; None: it is not known.
    """
    starts = [gap.incomplete_from for gap in gaps if gap.state in InboundGap.UNFINISHED_STATES]
    proofs = [at for at in (getattr(source, name) for name in PROOFS) if at is not None]
    return min(starts) if starts else max(proofs, default=None)


def complete_until_expression() -> Expression:
    """Return the same of a queryset of sources, in SQL."""
    gaps = InboundGap.unscoped.filter(source=OuterRef("pk"), state__in=InboundGap.UNFINISHED_STATES)
    unread_from = Coalesce("read_until", "from_at")
    incomplete_from = Least(Coalesce("missing_from", unread_from), unread_from)
    start = Subquery(gaps.order_by(incomplete_from).values_list(incomplete_from)[:1])
    least = Value(BEFORE_ALL, output_field=DateTimeField())
    proofs = (Coalesce(F(name), least) for name in PROOFS)
    return Coalesce(start, NullIf(Greatest(*proofs), least), output_field=DateTimeField())


def describe_completeness(connection: Connection, *, zone: tzinfo, now: datetime) -> str:
    """Return a sentence on a connection's sources, by the one that is complete for the shortest.

    "Salesforce: complete until 10:42; a gap of 11 minutes is being read, 3 of 11 done". Empty if no
    route wants its events.
    """
    sources = find_sources(connection.pk)
    gaps = InboundGap.unscoped.filter(
        source__in=sources, state__in=InboundGap.UNFINISHED_STATES
    ).order_by("from_at")
    texts = [_describe_until(sources, gaps, zone=zone, now=now)]
    if gap := gaps.first():
        texts.append(describe_gap(gap, now=now))
    if not sources:
        return ""
    return _("%(system)s: %(texts)s") % {
        "system": connection.connector.label,
        "texts": "; ".join(texts),
    }


def _describe_until(
    sources: Sequence[InboundSource],
    gaps: Iterable[InboundGap],
    *,
    zone: tzinfo,
    now: datetime,
) -> str:
    times = []
    for source in sources:
        at = complete_until(source, (gap for gap in gaps if gap.source_id == source.pk))
        if at is None:
            return _("not known yet")
        times.append(at)
    return _("complete until %(time)s") % {
        "time": _format_local_time(min(times, default=now), zone, now)
    }


def _format_local_time(at: datetime, zone: tzinfo, now: datetime) -> str:
    """Return the time in this zone, with its date unless it is today."""
    local = at.astimezone(zone)
    is_today = local.date() == now.astimezone(zone).date()
    return f"{local:%H:%M}" if is_today else f"{local:%Y-%m-%d %H:%M}"
