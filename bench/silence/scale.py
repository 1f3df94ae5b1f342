"""What 10,000 sources cost: the two steps of the sweep, rows, and the memory of the task.

They have six events an hour, so half a minute brings 500 to all of them; the sweep finds these
counted 30 seconds later.
"""

import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import median

from bench.figures import Bar, Figure
from bench.sink.client import Sink
from bench.suite import Options
from hub.connections.models import Connection
from hub.db.ids import smallest_id_at, uuid7
from hub.incoming.models import (
    InboundEndpoint,
    InboundItem,
    InboundMessage,
    InboundSource,
    RhythmDay,
    SourceRhythm,
)
from hub.incoming.rhythm.counting import HOURS, count_new_items
from hub.incoming.watch.rhythm_rows import LEARNED_AT_ONCE, learn_due_rhythms
from hub.incoming.watch.silence_watch import wake_due_sources
from tenants.models import Tenant

DATABASES = ("postgresql", "sqlite")
SOURCES, SOURCES_QUICK, NEW_ITEMS = 10_000, 500, 500
ROUNDS, LEARNED_DAYS = 10, 56
SWEEP, MEGABYTES, DAY_ROWS = Bar("<=", 50.0), Bar("<=", 50.0), Bar("<=", 1.0)
TYPE = "pipedrive.person.updated"
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    rhythms = build_rhythms(SOURCES_QUICK if options.quick else SOURCES)
    message = build_message(rhythms[0].connection)
    count_new_items(now=NOON)
    idle, busy = [], []
    for number in range(1, ROUNDS + 1):
        now = NOON + number * timedelta(minutes=3)
        receive_items(message, rhythms, number, at=now - timedelta(minutes=2))
        busy.append(measure_steps(now))
        idle.append(measure_steps(now + timedelta(minutes=1)))
    yield Figure("silence_sweep_idle", median(idle), "ms, 10,000 sources", bar=SWEEP)
    yield Figure("silence_sweep", median(busy), "ms, 10,000 sources, 500 items", bar=SWEEP)
    touched = RhythmDay.unscoped.values("rhythm", "day").distinct().count()
    rows = RhythmDay.unscoped.count() / max(1, touched)
    yield Figure("silence_rows", rows, "rows by rhythm and day", bar=DAY_ROWS)
    yield Figure("silence_memory", measure_learning(rhythms), "MB, 200 learned", bar=MEGABYTES)


def measure_steps(now: datetime) -> float:
    """Return how long the steps of the sweep take, in milliseconds."""
    began_at = time.perf_counter()
    count_new_items(now=now)
    wake_due_sources(now=now)
    return 1000 * (time.perf_counter() - began_at)


def build_rhythms(count: int) -> list[SourceRhythm]:
    """Store connections with one source and rhythm each; none is due."""
    tenant = Tenant.objects.create(reference=f"silence-{uuid7()}", name="Silence")
    connections = Connection.unscoped.bulk_create(
        [
            Connection(
                tenant=tenant,
                connector_key="pipedrive",
                name=f"Account {number}",
                account=str(number),
                changed_at=NOON,
            )
            for number in range(count)
        ],
        1000,
    )
    sources = InboundSource.unscoped.bulk_create(
        [
            InboundSource(tenant=tenant, connection=connection, object="person")
            for connection in connections
        ],
        1000,
    )
    return SourceRhythm.unscoped.bulk_create(
        [
            SourceRhythm(
                source=source,
                connection=source.connection,
                type=TYPE,
                first_day=NOON.date() - timedelta(days=LEARNED_DAYS),
                last_item_at=NOON,
                learned_at=NOON,
                profile=bytes(672),
                quiet_at=NOON + timedelta(days=1),
                silent_at=NOON + timedelta(days=2),
            )
            for source in sources
        ],
        1000,
    )


def build_message(connection: Connection) -> InboundMessage:
    endpoint = InboundEndpoint(
        connector_key="pipedrive", connection=connection, key_digest=f"silence-{uuid7()}"
    )
    endpoint.seal({"key": "silence", "secrets": []})
    endpoint.save()
    return InboundMessage.unscoped.create(
        endpoint=endpoint, connector_key="pipedrive", message_key="silence", received_at=NOON
    )


def receive_items(
    message: InboundMessage, rhythms: list[SourceRhythm], number: int, *, at: datetime
) -> None:
    """Store items of other connections in each round."""
    step = max(1, len(rhythms) // NEW_ITEMS)
    first = smallest_id_at(at).int
    InboundItem.unscoped.bulk_create(
        InboundItem(
            public_id=type(message.public_id)(int=first + place),
            message=message,
            connector_key="pipedrive",
            connection=rhythm.connection,
            tenant=rhythm.source.tenant,
            item_key=f"{number}:{place}",
            type=TYPE,
            state="processed",
            received_at=at,
            state_changed_at=at,
        )
        for place, rhythm in enumerate(rhythms[number % step :: step])
    )


def measure_learning(rhythms: list[SourceRhythm]) -> float:
    """Return the peak of what a task allocates that learns its rhythms, in megabytes."""
    learned = rhythms[:LEARNED_AT_ONCE]
    counts = dict.fromkeys(HOURS, 6)
    days = [NOON.date() - timedelta(days=number) for number in range(5, LEARNED_DAYS)]
    RhythmDay.unscoped.bulk_create(
        (RhythmDay(rhythm=rhythm, day=day, **counts) for rhythm in learned for day in days), 2000
    )
    SourceRhythm.unscoped.filter(pk__in=[row.pk for row in learned]).update(learned_at=None)
    tracemalloc.start()
    learn_due_rhythms(now=NOON + timedelta(hours=2))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6
