"""The sweep: periodic steps of every long-lived process, to find work whose wake-up was lost."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from django.db import Error, connections, transaction
from django.db import connection as database

from hub.connections.actions import maintenance
from hub.connections.actions.disconnection import revoke_due_accounts
from hub.connections.actions.kill_switches import end_expired_switches
from hub.connections.credentials.abandoned_authorizations import end_abandoned_authorizations
from hub.connections.credentials.call_health import degrade_failing_connections
from hub.connections.models import Connection
from hub.connections.tasks import (
    recover_refused_credentials,
    wake_up_due_checks,
    wake_up_due_refreshes,
    wake_up_due_revocations,
)
from hub.crypto import sessions
from hub.db.clock import Clock
from hub.db.outages import is_database_away
from hub.db.state_machine import InvalidTransition
from hub.drift.schedule import wake_up_due_drift_checks
from hub.identities.directory_reads import wake_up_due_directories
from hub.identities.suggestion_runs import wake_up_due_suggestions
from hub.incoming.gaps import cancel_gaps_of_disconnected
from hub.incoming.processing.held_items.author_fallbacks import release_items_of_known_authors
from hub.incoming.processing.held_items.release import (
    discard_items_of_final_disconnects,
    end_old_holds,
    release_held_items,
)
from hub.incoming.processing.held_items.unmatched import attribute_items_of_connected_accounts
from hub.incoming.receiving.erase import erase_late_messages
from hub.incoming.receiving.refused_answers import store_refused_answers
from hub.incoming.receiving.refused_gaps import open_refused_gaps
from hub.incoming.receiving.rejected_sources import notify_rejected_sources
from hub.incoming.receiving.replies import forget_reply_credentials
from hub.incoming.receiving.threats import warn_of_threats
from hub.incoming.registration.scheduling.checks import (
    create_missing_endpoints,
    wake_up_due_registrations,
)
from hub.incoming.rhythm.counting import count_new_items
from hub.incoming.tasks import wake_inbox_for_due_messages
from hub.incoming.watch.lasting_gaps import notify_lasting_gaps
from hub.incoming.watch.silence_watch import wake_due_sources
from hub.mail.tasks import wake_for_due_mails
from hub.notices.tasks import wake_for_due_notices
from hub.operations.operation_runner import wake_up_stalled_operations
from hub.outgoing import sweep_steps
from hub.outgoing.echo.remember import delete_old_writes
from hub.outgoing.insight.search.value_index import wake_up_value_index
from hub.outgoing.intake.notices import publish_notices
from hub.outgoing.models import Idempotency
from hub.outgoing.operations.erase_received import continue_erasures
from hub.processes import worker_registry
from hub.prune.batches import wake_up_daily_pruning
from hub.queue import record_heartbeat
from hub.recipes.part_actions import sweep_retired_parts
from hub.scheduled.gap_reading.start import release_abandoned_gaps, start_gap_runs
from hub.scheduled.jobs.schedules import apply_changed_time_zones, create_missing_schedules
from hub.scheduled.repairs.outcomes import settle_failed_repairs
from hub.scheduled.repairs.repair_checks import wake_up_for_repairs
from hub.scheduled.runs.due_runs import create_due_runs
from hub.scheduled.runs.loop_count import wake_runs
from hub.scheduled.runs.notices import notify_missed_deadlines
from hub.scheduled.runs.open_runs import (
    recover_interrupted_runs,
    resume_blocked_runs,
    skip_runs_past_window,
)
from hub.scheduled.shipping.arrivals import ship_arrived_lines
from hub.scheduled.shipping.retention import drop_expired_lines, notify_late_logs
from hub.throttle import in_flight_leases
from tenants.services.support_visit_actions import end_finished_visits

log = structlog.get_logger(__name__)

SWEEP_EVERY_SECONDS = 5.0
IDEMPOTENCY_RETENTION = timedelta(hours=24)

Step = Callable[..., object]


def run_sweep(*, also: Sequence[Step] = (), now: datetime) -> None:
    """Run every step, and those of this kind of process (`also`).

    A failing one is logged, shown until it succeeds, and stops no other. A step is cheap if it
    finds no work, and may run in any process any number of times. Raises the database's own error
    if the connection is lost, as no step can work then.
    """
    failed: dict[str, str] = {}
    steps = (*also, *STEPS)
    for step in steps:
        try:
            step(now=now)
        except Exception as error:
            if is_database_away(error, is_usable=database.is_usable):
                raise
            log.exception("sweep.step_failed", step=step.__name__)
            failed[step.__name__] = type(error).__name__
    worker_registry.record_sweep_failures(
        failed, [step.__name__ for step in steps if step.__name__ not in failed], now=now
    )
    record_heartbeat("sweep", now=now)


def start_sweep_thread(clock: Clock, *also: Step, interval: float = SWEEP_EVERY_SECONDS) -> None:
    """Run the sweep on a thread of this process, so that it finds work even without a worker.

    `also`: further steps, of this kind of process.
    """
    arguments = (clock, interval, threading.Event(), also)
    threading.Thread(target=sweep_until, args=arguments, daemon=True, name="sweep").start()


def sweep_until(
    clock: Clock, interval: float, stop_event: threading.Event, also: Sequence[Step] = ()
) -> None:
    while not stop_event.wait(interval):
        try:
            run_sweep(also=also, now=clock())
        except Error as error:
            log.warning("sweep.database_away", error=type(error).__name__)
        except Exception:
            log.exception("sweep.failed")
        finally:
            connections.close_all()


# --- the steps ------------------------------------------------------------------------------------


def end_pauses(*, now: datetime) -> None:
    for connection in Connection.unscoped.filter(state="paused", paused_until__lte=now):
        with suppress(InvalidTransition), transaction.atomic():
            connection.resume(now=now)


def delete_old_idempotent_responses(*, now: datetime) -> None:
    Idempotency.objects.filter(created_at__lt=now - IDEMPOTENCY_RETENTION).delete()


def delete_stale_worker_records(*, now: datetime) -> None:
    worker_registry.delete_stale_records(now=now)


def delete_old_sessions(*, now: datetime) -> None:
    sessions.delete_expired_sessions(now=now)


def keep_maintenance(*, now: datetime) -> None:
    maintenance.apply_maintenance(now=now)


def delete_expired_slot_leases(*, now: datetime) -> None:
    in_flight_leases.delete_expired_in_flight_leases(now=now)


STEPS: tuple[Step, ...] = (
    end_pauses,
    keep_maintenance,
    delete_expired_slot_leases,
    wake_up_due_refreshes,
    recover_refused_credentials,
    end_abandoned_authorizations,
    revoke_due_accounts,
    wake_up_due_revocations,
    wake_up_due_checks,
    degrade_failing_connections,
    end_expired_switches,
    *sweep_steps.STEPS,
    discard_items_of_final_disconnects,
    release_held_items,
    release_items_of_known_authors,
    end_old_holds,
    forget_reply_credentials,
    attribute_items_of_connected_accounts,
    notify_rejected_sources,
    wake_inbox_for_due_messages,
    create_missing_endpoints,
    wake_up_due_registrations,
    count_new_items,
    wake_due_sources,
    notify_lasting_gaps,
    store_refused_answers,
    warn_of_threats,
    open_refused_gaps,
    create_missing_schedules,
    apply_changed_time_zones,
    create_due_runs,
    cancel_gaps_of_disconnected,
    release_abandoned_gaps,
    start_gap_runs,
    ship_arrived_lines,
    recover_interrupted_runs,
    skip_runs_past_window,
    resume_blocked_runs,
    notify_missed_deadlines,
    wake_runs,
    settle_failed_repairs,
    wake_up_for_repairs,
    wake_up_due_directories,
    wake_up_due_suggestions,
    drop_expired_lines,
    notify_late_logs,
    wake_up_due_drift_checks,
    publish_notices,
    wake_for_due_notices,
    wake_for_due_mails,
    wake_up_stalled_operations,
    wake_up_daily_pruning,
    wake_up_value_index,
    delete_old_idempotent_responses,
    delete_old_writes,
    continue_erasures,
    erase_late_messages,
    sweep_retired_parts,
    delete_stale_worker_records,
    end_finished_visits,
    delete_old_sessions,
)
