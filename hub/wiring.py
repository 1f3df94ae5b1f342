"""Connect the functions of higher packages to the hooks of lower ones, when all apps are ready.

A package never imports one above it: it declares a hook (`hub/hooks.py`) or a registry, and this
module fills it.
"""

from hub.connections.actions.connector_app_actions import APP_WEBHOOK_URL
from hub.connections.connecting.connect import ACCOUNT_CONNECTED, ACCOUNT_REPLACED
from hub.connections.connecting.oauth.needed_permissions import (
    INCOMING_PERMISSIONS,
    ROUTE_PERMISSIONS,
)
from hub.connections.credentials.revocation_schedule import end_undo
from hub.connections.credentials.revoke import UNREGISTER_WEBHOOKS
from hub.connections.models import LANE_LEASES
from hub.connections.status.former_members import notify_former_connections
from hub.connections.tasks import run_liveness_checks, run_refresh, run_revocation, run_waiting_test
from hub.drift.erase import erase_drift
from hub.drift.tasks import check_due_connections
from hub.identities.erase import erase_directory
from hub.identities.tasks import read_directory, suggest_pairs
from hub.incoming.endpoints.create import find_app_webhook_url
from hub.incoming.gaps import reset_sources
from hub.incoming.processing.claim import MESSAGE_LEASES
from hub.incoming.processing.held_items.former_accounts import hold_items_of_former_account
from hub.incoming.processing.held_items.unmatched import attribute_unmatched_items
from hub.incoming.processing.replay import replay_batch
from hub.incoming.receiving.erase import erase_received_data
from hub.incoming.receiving.replies import use_reply_url
from hub.incoming.registration.scheduling.checks import (
    forget_registrations,
    request_checks_of_origin,
    request_connection_check,
)
from hub.incoming.tasks import check_registrations, listen_to_sources, process_inbox
from hub.incoming.watch.canary_records import clear_account
from hub.mail.deliver import MAIL_RESULTS
from hub.mail.tasks import send_due_mails
from hub.notices.tasks import mail_due_notices
from hub.operations.operation_runner import BATCH_FUNCTIONS
from hub.operations.tasks import run_operation_slice
from hub.outgoing.bulk_deliveries import BULK_WRITE_STARTER
from hub.outgoing.insight.needed_permissions import (
    find_incoming_permissions,
    find_needed_permissions,
)
from hub.outgoing.operations.backfill import backfill_batch
from hub.outgoing.operations.erase import CONNECTION_ERASED, erase_batch
from hub.outgoing.operations.execute import execute_batch
from hub.outgoing.reply_urls import REPLY_URL
from hub.outgoing.subscriptions.route_actions import ROUTE_DELETED
from hub.outgoing.tasks import drain, index_values, pump
from hub.portal.changes.visits import PORTAL_VISITS
from hub.processes.leases import PROCESS_LEASES
from hub.processes.loop_slots import SLOT_LEASES
from hub.prune.tables import TABLES
from hub.prune.tasks import prune
from hub.queue import run_canary
from hub.queue.work_classes import DELIVERY, INBOX, LONG, QUICK, WAKE_UP_TASKS, WakeUpTask
from hub.scheduled.bulk_writing.executor import run_bulk_writing
from hub.scheduled.bulk_writing.start import start_bulk_run
from hub.scheduled.gap_reading.executor import run_gap_reading
from hub.scheduled.jobs.kinds import JOB_KINDS, JobKind
from hub.scheduled.night.planner import plan_runs
from hub.scheduled.reconciliation.declared_options import RECONCILE_OPTIONS
from hub.scheduled.reconciliation.erase import erase_compared_data
from hub.scheduled.reconciliation.executor import run_reconciliation
from hub.scheduled.reconciliation.finish import RUN_REPAIRS
from hub.scheduled.repairs.discrepancy_actions import plan_run_repairs
from hub.scheduled.repairs.execute import repair_batch
from hub.scheduled.reports.executor import run_report
from hub.scheduled.reports.options import REPORT_OPTIONS
from hub.scheduled.runs.claim import RUN_LEASES
from hub.scheduled.runs.context import EXECUTORS
from hub.scheduled.runs.due_runs import RUN_PLANNER
from hub.scheduled.runs.erase import erase_run_texts
from hub.scheduled.shipping.erase import erase_shipped_lines
from hub.scheduled.shipping.executor import run_shipping
from hub.scheduled.shipping.log_conflicts import find_log_conflicts
from hub.scheduled.shipping.options import SHIPPING_OPTIONS
from hub.scheduled.shipping.work import find_schedules_with_work
from hub.scheduled.sync.executor import run_sync
from hub.scheduled.sync.options import SYNC_OPTIONS
from hub.scheduled.tasks import check_due_repairs, process_runs
from hub.schemas.erase import erase_schemas
from hub.schemas.tasks import read_choice_list
from tenants.services.invitation_mail import record_mail_result
from tenants.services.membership_actions import MEMBER_LEFT


def connect_hooks() -> None:
    """Connect all hooks and fill all registries."""
    _register_tasks()
    MAIL_RESULTS["mail/invitation.txt"] = record_mail_result
    MEMBER_LEFT.connect(notify_former_connections)
    TABLES.append(PORTAL_VISITS)
    _connect_connections()
    BATCH_FUNCTIONS.update(
        retry=execute_batch,
        send_again=execute_batch,
        cancel=execute_batch,
        skip=execute_batch,
        send_missing=backfill_batch,
        erase=erase_batch,
        replay_items=replay_batch,
        repair=repair_batch,
    )
    REPLY_URL.connect(use_reply_url)
    ROUTE_DELETED.connect(request_checks_of_origin)
    _connect_jobs()
    PROCESS_LEASES[:] = [LANE_LEASES, SLOT_LEASES, MESSAGE_LEASES, RUN_LEASES]


def _register_tasks() -> None:
    WAKE_UP_TASKS.update(
        pump=WakeUpTask(pump, DELIVERY),
        inbox=WakeUpTask(process_inbox, INBOX),
        refresh=WakeUpTask(run_refresh, QUICK),
        revoke=WakeUpTask(run_revocation, QUICK),
        check=WakeUpTask(run_liveness_checks, QUICK),
        test=WakeUpTask(run_waiting_test, QUICK),
        tell=WakeUpTask(mail_due_notices, QUICK),
        mail=WakeUpTask(send_due_mails, QUICK),
        canary=WakeUpTask(run_canary, QUICK),
        # a system that does not answer would keep refreshes waiting
        register=WakeUpTask(check_registrations, LONG),
        listen=WakeUpTask(listen_to_sources, LONG),
        run=WakeUpTask(process_runs, LONG),
        repair=WakeUpTask(check_due_repairs, LONG),
        directory=WakeUpTask(read_directory, LONG),
        suggest=WakeUpTask(suggest_pairs, LONG),
        drift=WakeUpTask(check_due_connections, LONG),
        choices=WakeUpTask(read_choice_list, LONG),
        drain=WakeUpTask(drain, LONG),
        operate=WakeUpTask(run_operation_slice, LONG),
        prune=WakeUpTask(prune, LONG),
        value_index=WakeUpTask(index_values, LONG),
    )


def _connect_connections() -> None:
    ROUTE_PERMISSIONS.connect(find_needed_permissions)
    INCOMING_PERMISSIONS.connect(find_incoming_permissions)
    APP_WEBHOOK_URL.connect(find_app_webhook_url)
    UNREGISTER_WEBHOOKS.connect(clear_account)
    ACCOUNT_CONNECTED.connect(attribute_unmatched_items, request_connection_check)
    ACCOUNT_REPLACED.connect(
        forget_registrations,
        reset_sources,
        hold_items_of_former_account,
        erase_directory,
        erase_schemas,
        erase_drift,
    )
    CONNECTION_ERASED.connect(
        end_undo,
        erase_received_data,
        erase_compared_data,
        erase_shipped_lines,
        erase_run_texts,
        erase_schemas,
        erase_directory,
        erase_drift,
    )


def _connect_jobs() -> None:
    JOB_KINDS.update(
        reconcile=JobKind(RECONCILE_OPTIONS),
        report=JobKind(REPORT_OPTIONS),
        ship=JobKind(SHIPPING_OPTIONS, find_log_conflicts, find_schedules_with_work),
        sync=JobKind(SYNC_OPTIONS),
    )
    EXECUTORS.update(
        bulk=run_bulk_writing,
        gap=run_gap_reading,
        reconcile=run_reconciliation,
        report=run_report,
        ship=run_shipping,
        sync=run_sync,
    )
    BULK_WRITE_STARTER.connect(start_bulk_run)
    RUN_PLANNER.connect(plan_runs)
    RUN_REPAIRS.connect(plan_run_repairs)
