"""Tests for which no web thread is free: a worker makes them, a few at a time, and a page shows how far each is."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.utils.translation import gettext as _

from hub import audit
from hub.connections.models import Connection
from hub.connections.probe import Call, Finding, test
from hub.queue import ring, unheard_bells

WAITING_MOST, WAITING_MOST_OF_TENANT = 6, 2  # each keeps a worker from other bells for 10 s at most
KEPT = 600  # seconds that a result is shown
RUNS_MOST = timedelta(seconds=30)  # longer than egress lets a test take; then its worker has ended
LOST = timedelta(seconds=60)  # a bell that was rung so long ago and not again waits no longer
BELL = "test:"
INTERRUPTED = "interrupted"


def queue_test(connection: Connection, hand: audit.Hand, *, now: datetime) -> bool:
    """False where too many wait already."""
    waiting = [int(name.removeprefix(BELL)) for name in unheard_bells(BELL, since=now - LOST)]
    if connection.pk not in waiting:
        of_tenant = Connection.unscoped.filter(pk__in=waiting, tenant_id=connection.tenant_id).count()
        if len(waiting) >= WAITING_MOST or of_tenant >= WAITING_MOST_OF_TENANT:
            return False
    requested = {"actor": asdict(hand.actor), "request_id": hand.request_id, "ip": hand.ip}
    save(connection, {"state": "waiting", "requested": requested})
    ring(f"{BELL}{connection.pk}", now=now)
    return True


def run_queued_test(connection: Connection, *, call: Call, now: datetime) -> None:
    """Once, however often its bell was rung."""
    entry = cache.get(name_of(connection)) or {}
    if entry.get("state") != "waiting":
        return
    save(connection, {"state": "running", "started_at": now.isoformat()})
    finding = test(connection, call=call, now=now)
    requested = entry["requested"]
    audit.record(
        actor=audit.Actor(**requested["actor"]),
        verb="connection.test",
        obj=connection,
        tenant=connection.tenant,
        after={"lives": finding.lives, "reason": finding.reason},
        request_id=requested["request_id"],
        ip=requested["ip"],
        now=now,
    )
    result = {"lives": finding.lives, "kind": finding.kind, "reason": finding.reason, "detail": finding.detail}
    save(connection, {"state": "done", "result": result})


def progress_of(connection: Connection, *, now: datetime) -> dict[str, Any] | None:
    """Its `state` (waiting, running, done) and `result`; None where none was asked for.

    A lost bell is rung again, and a test whose worker was killed is done, without a verdict.
    """
    entry: dict[str, Any] | None = cache.get(name_of(connection))
    if entry and entry["state"] == "running" and datetime.fromisoformat(entry["started_at"]) + RUNS_MOST <= now:
        return {"state": "done", "result": interrupted()}
    if entry and entry["state"] == "waiting":
        ring(f"{BELL}{connection.pk}", now=now)
    return entry


def interrupted() -> dict[str, Any]:
    detail = _("The worker that made this test was stopped before it had an answer. Start the test again.")
    return {"lives": False, "kind": "unknown", "reason": INTERRUPTED, "detail": detail}


def failure_of(result: dict[str, Any]) -> Finding:
    """A result that did not pass, as the test found it."""
    return Finding(None, result["kind"], result["reason"], result["detail"])


def save(connection: Connection, entry: dict[str, Any]) -> None:
    cache.set(name_of(connection), entry, KEPT)


def name_of(connection: Connection) -> str:
    return f"test of connection {connection.public_id}"
