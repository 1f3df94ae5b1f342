"""Check the registrations of one endpoint, and correct them to the wanted state."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from operator import itemgetter

import structlog

from connectors.outcomes import PERMISSION_MISSING, Outcome, later, never
from connectors.webhook_sources import (
    NOT_SUPPORTED,
    FoundSubscription,
    Subscriptions,
    WantedSubscription,
)
from hub.connections.credentials.connector_context import find_connector_app, open_credential
from hub.connections.credentials.provider_call import (
    Call,
    ExchangeRecorder,
    Patience,
    TimeSlice,
    TimeSliceEnded,
)
from hub.connections.models import Connection
from hub.crypto.sealed import CannotOpen
from hub.db.clock import Clock
from hub.db.outages import DATABASE_ERRORS
from hub.incoming.endpoints.rotate import end_overlap_after_registration
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.processing.attribution import find_hold_reason
from hub.incoming.registration.calls import RegistrationCalls
from hub.incoming.registration.changes import apply_comparison
from hub.incoming.registration.compare import Comparison, compare_subscriptions
from hub.incoming.registration.details import select_unread
from hub.incoming.registration.installation.address import establish_address, find_former_url
from hub.incoming.registration.installation.own_urls import (
    is_own_url,
    list_endpoint_secrets,
    list_other_urls,
)
from hub.incoming.registration.lease import RegistrationLease, RegistrationLeaseLost
from hub.incoming.registration.outcomes import (
    record_failure,
    record_manual,
    record_move,
    record_state,
)
from hub.incoming.registration.progress import RegistrationProgress, identify_plan
from hub.incoming.registration.scheduling.budgets import load_watch_plan
from hub.incoming.registration.scheduling.intervals import (
    RETRY_AFTER,
    find_failure_wait,
    find_interval,
    find_renewal_wait,
    spread_wait,
)
from hub.incoming.registration.source_gaps import CAUSES_OF_STATES
from hub.incoming.registration.sources import plan_sources
from hub.incoming.registration.wanted import (
    build_wanted_subscriptions,
    list_missing_permissions,
    plan_subscriptions,
)

log = structlog.get_logger(__name__)

HELD_RECHECK_DELAY = timedelta(minutes=5)  # of a connection that may not be called now
QUOTA_PATIENCE = timedelta(seconds=3)  # with a spent quota
INTERNAL_ERROR = "internal_error"
NOT_CHECKED_STATES = ("paused", "disabled", "needs_reconnect")  # of connections


@dataclass(frozen=True, slots=True)
class RegistrationCheckContext:
    """The clients, clock, waiting and randomness of a check.

    `low_priority`: limits its calls to the share of background work.
    """

    call: Call
    clock: Clock
    sleep: Callable[[float], object]
    random: Callable[[], float]
    low_priority: bool = True


def check_endpoint(lease: RegistrationLease, context: RegistrationCheckContext) -> None:
    """Compare an endpoint's registrations with those that its routes need, and correct the
    differences, for up to a time slice; then the task is woken again, and resumes it.

    Nothing is written at the system if there are none. A check whose lease was lost, or whose
    account was disconnected meanwhile, stores and writes nothing more. Calls the external system,
    so no transaction may be open.
    """
    endpoints = InboundEndpoint.unscoped.select_related(
        "tenant", "connection__credential", "connection__lane", "connection__tenant"
    )
    endpoint = endpoints.filter(pk=lease.endpoint_id).first()
    if endpoint is None:
        return  # its tenant was deleted
    # of a check that is killed nothing is resumed: the next one lists what it has created
    lease.query_held().update(check_progress=None)
    try:
        wait = _check_registrations(endpoint, lease, context)
    except TimeSliceEnded:
        return  # and it is due again
    except RegistrationLeaseLost:
        log.info("incoming.check_stopped", endpoint=str(endpoint.public_id))
        wait = RETRY_AFTER
    now = context.clock()
    lease.finish_check(next_check_at=now + spread_wait(wait, context.random), now=now)


def _check_registrations(
    endpoint: InboundEndpoint, lease: RegistrationLease, context: RegistrationCheckContext
) -> timedelta:
    """Check the registrations of an endpoint; return the time until the next check.

    Raises RegistrationLeaseLost and TimeSliceEnded.
    """
    time_slice = TimeSlice.begin(context.clock)
    now = context.clock()
    with lease.in_transaction():
        existing = plan_subscriptions(endpoint, now=now)
        plan_sources(endpoint, now=now)
    subscriptions, connection = endpoint.connector.subscriptions, endpoint.connection
    if subscriptions is None or subscriptions.is_manual or connection is None:
        with lease.in_transaction():
            record_manual(existing.values(), now=now)
        return find_interval(endpoint)
    if connection.state in NOT_CHECKED_STATES or find_hold_reason(connection):
        return HELD_RECHECK_DELAY
    check = _Check(endpoint, connection, subscriptions, existing, lease, context, time_slice)
    try:
        failed = check.correct_registrations()
    except (*DATABASE_ERRORS, RegistrationLeaseLost, TimeSliceEnded):
        raise
    except Exception:
        log.exception("incoming.check_failed", endpoint=str(endpoint.public_id))
        failed = check.record_failure_of_all(later(INTERNAL_ERROR))
    if failed is not None:
        return find_failure_wait(failed, existing.values())
    renewal_wait = find_renewal_wait(subscriptions, existing.values(), now=context.clock())
    return min(find_interval(endpoint), renewal_wait)


@dataclass(frozen=True, slots=True)
class _Check:
    """A check of the registrations of one connection, while it holds their lease."""

    endpoint: InboundEndpoint
    connection: Connection
    subscriptions: Subscriptions
    existing: Mapping[str, WebhookSubscription]
    lease: RegistrationLease
    context: RegistrationCheckContext
    time_slice: TimeSlice

    def correct_registrations(self) -> Outcome | None:
        """List, compare and correct; return the Outcome of the first failure.

        Raises RegistrationLeaseLost and TimeSliceEnded.
        """
        if not self.existing:
            return None
        try:
            targets = build_wanted_subscriptions(self.endpoint, self.subscriptions, self.existing)
            calls, document = self._open_calls(targets), self.endpoint.open()
        except CannotOpen:
            return self.record_failure_of_all(never("credential_unreadable"))
        if missing := list_missing_permissions(self.connection, self.subscriptions):
            return self.record_failure_of_all(never(PERMISSION_MISSING, ", ".join(missing)))
        try:
            failed = self._list_and_change(calls, targets)
        except TimeSliceEnded:
            self._pause(calls.progress)
            raise
        now = self.context.clock()
        if all(self.existing[entry.key].state == "verified" for entry in targets):
            end_overlap_after_registration(self.endpoint, document, now=now)
        return failed

    def _list_and_change(
        self, calls: RegistrationCalls, targets: Sequence[WantedSubscription]
    ) -> Outcome | None:
        """List and compare, unless an earlier time slice has, and make the changes that are left.

        Returns the Outcome of the first failure. Raises RegistrationLeaseLost and TimeSliceEnded.
        """
        now = self.context.clock()
        comparison = calls.progress.comparison
        if comparison is None:
            registrations = calls.list_all()
            now = self.context.clock()
            if isinstance(registrations, Outcome):
                if registrations.reason == NOT_SUPPORTED:
                    self._record_unsupported(registrations, now=now)
                    return None
                request_refresh_if_rejected(self.connection, registrations, now=now)
                exchange = calls.describe_last_exchange()
                return self.record_failure_of_all(registrations, exchange=exchange)
            ids = {entry.external_id for entry in self.existing.values()}
            establish_address(self.endpoint, registrations, ids, now=now)
            if former_url := find_former_url():
                with self.lease.in_transaction():
                    record_move(self.existing.values(), registrations, former_url, now=now)
                return None
            comparison = self._compare(targets, registrations)
            if self.subscriptions.has_details:
                read_every = load_watch_plan(self.connection).detail_every
                select_unread(comparison, self.existing, read_every=read_every, now=now)
            calls.progress.start_changes(comparison)
        return apply_comparison(
            calls,
            comparison,
            targets,
            self.existing,
            in_transaction=self.lease.in_transaction,
            now=now,
        )

    def _record_unsupported(self, outcome: Outcome, *, now: datetime) -> None:
        """Store that the account has no registrations at all, or no more.

        Raises RegistrationLeaseLost.
        """
        state = WebhookSubscription.State.UNSUPPORTED
        with self.lease.in_transaction():
            for entry in self.existing.values():
                cause = "" if entry.state == state else CAUSES_OF_STATES[state]
                record_state(entry, state, None, detail=outcome.detail, cause=cause, now=now)

    def _pause(self, progress: RegistrationProgress) -> None:
        """Release the lease until the task of the check is run again."""
        now = self.context.clock()
        self.lease.finish_check(
            next_check_at=now,
            progress=self.endpoint.seal_check_progress(progress.build_document()),
            is_awaited=not self.context.low_priority,
            now=now,
        )

    def record_failure_of_all(self, outcome: Outcome, *, exchange: str = "") -> Outcome:
        """Store the failure of the whole check; return it. Raises RegistrationLeaseLost."""
        now = self.context.clock()
        with self.lease.in_transaction():
            for subscription in self.existing.values():
                record_failure(subscription, outcome, exchange=exchange, now=now)
        return outcome

    def _check_allowed(self) -> None:
        """Extend the lease before a call that changes something.

        Raises RegistrationLeaseLost if it was lost, the account is not connected any more, its
        tenant is suspended or it is switched off. The removal of our webhooks waits for the lease,
        so it finds what a call in progress creates.
        """
        self.lease.extend(now=self.context.clock())
        callable_now = Connection.unscoped.exclude(state__in=NOT_CHECKED_STATES).filter(
            tenant__suspended_at=None, lane__switched_off_by=""
        )
        if not callable_now.filter(pk=self.connection.pk, account=self.connection.account).exists():
            raise RegistrationLeaseLost

    def _open_calls(self, targets: Sequence[WantedSubscription]) -> RegistrationCalls:
        """Prepare the calls with the stored credential, from where an earlier time slice ended.

        Raises CannotOpen.
        """
        wanted = sorted((asdict(entry) for entry in targets), key=itemgetter("key"))
        plan = identify_plan(self.connection.account, wanted)
        app = find_connector_app(self.connection.connector_key)
        return RegistrationCalls(
            self.connection,
            self.subscriptions,
            open_credential(self.connection, app),
            ExchangeRecorder(self.context.call),
            self.time_slice,
            Patience(QUOTA_PATIENCE, self.context.sleep),
            self._check_allowed,
            RegistrationProgress.load(self.endpoint.open_check_progress(), plan),
            list_endpoint_secrets(self.endpoint),
            low_priority=self.context.low_priority,
        )

    def _compare(
        self, targets: Sequence[WantedSubscription], registrations: Sequence[FoundSubscription]
    ) -> Comparison:
        """Compare registrations with the system's; orphans need the URLs of the other endpoints."""
        other_urls, are_others_known = list_other_urls(self.endpoint)
        comparison = compare_subscriptions(
            self.subscriptions,
            targets,
            registrations,
            external_ids={key: entry.external_id for key, entry in self.existing.items()},
            is_own=partial(is_own_url, connector_key=self.endpoint.connector_key),
            foreign_urls=other_urls,
            now=self.context.clock().timestamp(),
        )
        if not are_others_known:
            comparison.orphans.clear()
        return comparison


def request_refresh_if_rejected(connection: Connection, outcome: Outcome, *, now: datetime) -> None:
    """Request a refresh of the access token if the system rejected it."""
    credential = getattr(connection, "credential", None)
    if outcome.kind == "refresh" and credential is not None:
        credential.await_refresh(used=credential.version, now=now)
