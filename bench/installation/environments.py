"""Environments of a bench: a database of its own, new keys, and a sink."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from bench.installation import keys, postgres
from bench.installation.migrated import migrate_fresh
from bench.installation.processes import python_command, read_line, running

PUMPS = 2
OWN_SERVER = "HUB_BENCH_OWN_SERVER"  # set where PostgreSQL is ours to break


def has_database_server() -> bool:
    return os.environ.get("DATABASE_URL", "").startswith(("postgres://", "postgresql://"))


@contextlib.contextmanager
def postgresql_environment() -> Iterator[dict[str, str]]:
    """A scratch database on the server that DATABASE_URL names, or on one that is started for
    it.
    """
    database_url, named = os.environ.get("DATABASE_URL", ""), has_database_server()
    with (
        contextlib.nullcontext(database_url)
        if named
        else postgres.server(postgres.DURABLE) as server,
        scratch_database(server) as url,
        bench_environment(url, pumps=PUMPS) as environment,
    ):
        yield environment if named else environment | {OWN_SERVER: "yes"}


@contextlib.contextmanager
def sqlite_environment() -> Iterator[dict[str, str]]:
    with (
        tempfile.TemporaryDirectory(prefix=f"hub-bench-{os.getpid()}-") as folder,
        bench_environment(f"sqlite:///{Path(folder) / 'hub.sqlite3'}", pumps=1) as environment,
    ):
        yield environment


@contextlib.contextmanager
def scratch_database(server: str) -> Iterator[str]:
    name = f"hub_bench_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def bench_environment(url: str, *, pumps: int) -> Iterator[dict[str, str]]:
    with running(python_command("bench.sink.server"), stdout=subprocess.PIPE) as (sink,):
        place = f"127.0.0.1:{int(read_line(sink))}"
        environment = build_environment(url, place, pumps)
        migrate_fresh(url, environment)
        yield environment


def build_environment(url: str, sink: str, pumps: int) -> dict[str, str]:
    """What the shell says, without its hub."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HUB_", "DJANGO_"))
    }
    return inherited | {
        "DJANGO_SETTINGS_MODULE": "hub.settings",
        "DATABASE_URL": url,
        "HUB_ENV_FILE": os.devnull,
        **keys.fresh(),
        "HUB_EGRESS_ALLOW": sink,
        "HUB_BENCH_SINK": sink,
        "HUB_PUMPS": str(pumps),
        # counted, and not in the way
        "HUB_LIMITS": "events=1000000000,bytes=1000000000000,requests=1000000000",
        "HUB_LOG_LEVEL": "WARNING",
    }
