"""Test a connection; in a worker when no web thread is free, a page shows the progress."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.core.cache import cache
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connectors.registry import CONNECTORS
from hub.actions import Action, declare_actions
from hub.audit import Actor, ActorContext
from hub.connections.actions.connection_actions import (
    WRITE_SCOPE,
    InvalidConnectionState,
    perform_connection_test,
)
from hub.connections.credentials import probe_checklist
from hub.connections.credentials.account_probe import PROBES_BUSY, ProbeResult
from hub.connections.credentials.provider_call import Call
from hub.connections.models import Connection
from hub.problems import Refusal
from hub.queue import pending_wake_ups, wake_up

# each occupies a worker for at most 10 s
QUEUED_TESTS_MAX, QUEUED_TESTS_MAX_OF_TENANT = (6, 2)
RESULT_LIFETIME_SECONDS = 600  # for which a result is stored
# longer than egress allows: after it, the worker has died
TEST_DURATION_MAX = timedelta(seconds=30)
WAKE_UP_LOST_AFTER = timedelta(seconds=60)  # a wake-up that is older counts as lost
TEST_WAKE_UP = "test:"
INTERRUPTED = "interrupted"


def queue_connection_test(connection: Connection, actor: ActorContext, *, now: datetime) -> bool:
    """Queue a test; return False if too many tests are queued already."""
    waiting = [
        int(name.removeprefix(TEST_WAKE_UP))
        for name in pending_wake_ups(TEST_WAKE_UP, since=now - WAKE_UP_LOST_AFTER)
    ]
    if connection.pk not in waiting:
        of_tenant = Connection.unscoped.filter(pk__in=waiting, tenant=connection.tenant).count()
        if len(waiting) >= QUEUED_TESTS_MAX or of_tenant >= QUEUED_TESTS_MAX_OF_TENANT:
            return False
    requested = {"actor": asdict(actor.actor), "request_id": actor.request_id, "ip": actor.ip}
    entry = {"state": "waiting", "requested": requested, "queued_at": now.isoformat()}
    _save_test_progress(connection, entry)
    wake_up(f"{TEST_WAKE_UP}{connection.pk}", now=now)
    return True


def run_queued_test(connection: Connection, *, call: Call, now: datetime) -> None:
    """Make a queued test once and audit it, even if the task runs more than once."""
    entry = cache.get(_build_progress_key(connection)) or {}
    if entry.get("state") != "waiting" or not _claim_test(connection, entry["queued_at"]):
        return
    _save_test_progress(connection, {"state": "running", "started_at": now.isoformat()})
    requested = entry["requested"]
    actor = ActorContext(
        Actor(**requested["actor"]), request_id=requested["request_id"], ip=requested["ip"]
    )
    probe_result = perform_connection_test(connection, actor, call=call, now=now)
    result = {
        "passed": probe_result.passed,
        "kind": probe_result.kind,
        "reason": probe_result.reason,
        "detail": probe_result.detail,
    }
    _save_test_progress(connection, {"state": "done", "result": result})


def _claim_test(connection: Connection, queued_at: str) -> bool:
    """Return whether this task makes the test; of concurrent tasks exactly one does."""
    key = f"{_build_progress_key(connection)}, queued at {queued_at}"
    return cache.add(key, True, RESULT_LIFETIME_SECONDS)


def read_test_progress(connection: Connection, *, now: datetime) -> dict[str, Any] | None:
    """Return `state` (waiting, running, done) and `result`; None if no test is queued.

    Sends a lost wake-up again. A test whose worker died is reported as done, with the kind
    *unknown*.
    """
    entry: dict[str, Any] | None = cache.get(_build_progress_key(connection))
    if (
        entry
        and entry["state"] == "running"
        and datetime.fromisoformat(entry["started_at"]) + TEST_DURATION_MAX <= now
    ):
        return {"state": "done", "result": build_interrupted_result()}
    if entry and entry["state"] == "waiting":
        wake_up(f"{TEST_WAKE_UP}{connection.pk}", now=now)
    return entry


def build_interrupted_result() -> dict[str, Any]:
    detail = _("The worker was stopped before the test finished. Start the test again.")
    return {"passed": False, "kind": "unknown", "reason": INTERRUPTED, "detail": detail}


def restore_failed_result(result: dict[str, Any]) -> ProbeResult:
    """Restore the ProbeResult of a test that failed."""
    return ProbeResult(None, result["kind"], result["reason"], result["detail"])


def _save_test_progress(connection: Connection, entry: dict[str, Any]) -> None:
    cache.set(_build_progress_key(connection), entry, RESULT_LIFETIME_SECONDS)


def _build_progress_key(connection: Connection) -> str:
    return f"test of connection {connection.public_id}"


class NothingToTest(Refusal):
    sentence = gettext_lazy(
        "This connection only receives, so there is nothing to test at the other system."
    )


class ConnectionTest(NamedTuple):
    connection: Connection
    result: ProbeResult
    is_queued: bool = False  # a worker makes it soon

    @property
    def is_working(self) -> bool:
        state = self.connection.state
        return self.is_queued or (
            self.result.passed and state not in ("needs_reconnect", "degraded")
        )


def make_or_queue_test(
    connection: Connection,
    actor: ActorContext,
    *,
    call: Call,
    random: Callable[[], float],
    now: datetime,
) -> ConnectionTest:
    """Test the connection. When too many tests run, queue one for a person; a program repeats it.

    No transaction may be open. Raises InvalidConnectionState if it is disconnected, and
    NothingToTest.
    """
    if connection.is_disconnected:
        raise InvalidConnectionState(connection)
    if not connection.connector.has_probe:
        raise NothingToTest
    result = perform_connection_test(connection, actor, call=call, now=now)
    is_queued = (
        result.reason == PROBES_BUSY
        and actor.actor.kind != "api_key"
        and queue_connection_test(connection, actor, now=now)
    )
    return ConnectionTest(connection, result, is_queued)


def can_be_tested(connection: Connection) -> bool:
    connector = CONNECTORS.get(connection.connector_key)
    return connector is not None and connector.has_probe and not connection.is_disconnected


def _describe_test(test: ConnectionTest) -> str:
    if test.is_queued:
        return _("Other tests are running. A worker runs this one soon.")
    if not test.result.account:
        why = probe_checklist.describe_failed_probe(test.result)
        return _("The test failed: %(why)s") % {"why": why}
    if test.connection.state == "needs_reconnect":
        return _("The access token still works, but it cannot be renewed. Reconnect the account.")
    if test.connection.state == "degraded":
        return _(
            "The test passed, but deliveries still fail. The connection is healthy again after the "
            "first successful delivery."
        )
    account = test.result.account.name or test.result.account.id
    if not account:
        return _("The test passed. The other system responds and accepts the credential.")
    text = _("The test passed: %(account)s. The other system accepts the credential.")
    return text % {"account": account}


TEST_ACTIONS = declare_actions(
    Action[Connection](
        name="test",
        label=gettext_lazy("Test now"),
        question=gettext_lazy(
            "The connection is tested at the other system, without effect there; its state follows "
            "the result."
        ),
        summary="Test a connection",
        run=make_or_queue_test,
        describe_result=_describe_test,
        is_success=lambda test: test.is_working,
        is_atomic=False,
        calls_system=True,
        is_available=can_be_tested,
        scope=WRITE_SCOPE,
        icon="network_check",
    ),
)
