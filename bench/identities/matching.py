"""Suggested pairs of two directories of 2,000 people: right, complete, quick and small.

What is measured is the service: people in the database, suggestions in the database.
"""

import random
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime

from bench.figures import Bar, Figure
from bench.identities.directories import Directories, build_directories
from bench.identities.scores import score_suggestions
from bench.sink.client import Sink
from bench.suite import Options
from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.identities.local_users import put_local_users
from hub.identities.matching import match_people
from hub.identities.people_store import store_directory_entries
from hub.identities.suggest import suggest_identities
from hub.mappings.models import Identity
from tenants.models import Tenant

DATABASES = ("postgresql", "sqlite")
PEOPLE, PEOPLE_QUICK = 2_000, 300
SEEDS = (1, 2, 3)
PRECISION, RECALL = Bar(">=", 0.99), Bar(">=", 0.9)
QUEUE_SHARE = Bar(">=", 0.5)  # few are doubtful, so that one of them counts for much
SECONDS, MEGABYTES = Bar("<=", 15.0), Bar("<=", 60.0)
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    count = PEOPLE_QUICK if options.quick else PEOPLE
    for seed in SEEDS if options.seed is None else (options.seed,):
        directories = build_directories(count, seed)
        connection, seconds = suggest_from(directories, f"identities-{seed}-{random.random()}")
        suggested, offered = read_suggestions(connection)
        score = score_suggestions(directories, suggested, offered)
        yield Figure(f"identities_precision_{seed}", score.precision, "share", bar=PRECISION)
        yield Figure(f"identities_recall_{seed}", score.recall, "share", bar=RECALL)
        yield Figure(
            f"identities_doubtful_in_queue_{seed}", score.queue_share, "share", bar=QUEUE_SHARE
        )
        yield Figure(f"identities_time_{seed}", seconds, "s", bar=SECONDS)
    yield Figure("identities_memory", measure_memory(directories), "MB", bar=MEGABYTES)


def suggest_from(directories: Directories, reference: str) -> tuple[Connection, float]:
    """Store both directories, suggest, and return the connection with the seconds that it took."""
    actor = ActorContext.system()
    tenant = Tenant.objects.create(reference=reference, name=reference)
    connection = Connection.unscoped.create(
        tenant=tenant, connector_key="slack", name="Slack", account=reference, changed_at=NOON
    )
    put_local_users(tenant, directories.local, actor, now=NOON)
    store_directory_entries(connection, directories.remote, kind="user", now=NOON)
    began_at = time.perf_counter()
    suggest_identities(connection, actor, now=NOON)
    return connection, time.perf_counter() - began_at


def read_suggestions(connection: Connection) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return the suggested pairs, and the candidates of the others."""
    suggested: dict[str, str] = {}
    offered: dict[str, list[str]] = {}
    for identity in Identity.unscoped.filter(connection=connection):
        if identity.state == Identity.State.SUGGESTED:
            suggested[identity.local_id] = identity.remote_id
        else:
            candidates = (identity.evidence or {}).get("candidates", ())
            offered[identity.local_id] = [entry["remote_id"] for entry in candidates]
    return suggested, offered


def measure_memory(directories: Directories) -> float:
    """Return the peak of what the matcher allocates, in megabytes."""
    tracemalloc.start()
    match_people(directories.local, directories.remote)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6
