"""Tasks that django-q2 calls by dotted name. A lost or repeated wake-up changes latency only."""

import random
import secrets
import time
from datetime import datetime, timedelta
from functools import partial

from connectors.http import Request, Response
from hub import egress
from hub.connections.credentials.provider_call import call_with_heartbeat
from hub.db.clock import clock
from hub.incoming.models import InboundEndpoint
from hub.incoming.processing.claim import is_message_due
from hub.incoming.processing.due_items import due_items
from hub.incoming.processing.inbox_waker import RUNNING_LOOP_CACHED_FOR
from hub.incoming.processing.loop import InboxLoop
from hub.incoming.registration.check import RegistrationCheckContext, check_endpoint
from hub.incoming.registration.lease import AWAITED_SUFFIX, RegistrationLease, claim_check
from hub.incoming.watch.canary_calls import CanaryContext, handle_due_canaries
from hub.incoming.watch.feed_looks import look_into_feeds
from hub.incoming.watch.rhythm_rows import forget_removed_connectors, learn_due_rhythms
from hub.incoming.watch.silence_watch import judge_due_sources, look_at_fading_sources
from hub.incoming.watch.wider_causes import is_watching_allowed
from hub.processes.leases import new_lease
from hub.processes.loop_slots import acquire_slot, release_slot
from hub.processes.pool_pipe import is_stop_requested
from hub.queue import acknowledge_wake_up, report_progress, wake_loop

LISTENING_TIME = timedelta(seconds=20)  # in which canaries are sent
CANARY_TOKEN_BYTES = 16  # 22 characters
FINAL_RUN_SECONDS = RUNNING_LOOP_CACHED_FOR.total_seconds() + 0.1


def process_inbox(name: str) -> None:
    """Run the inbox loop for less than a minute."""
    acknowledge_wake_up(name)
    lease = new_lease()
    loop = InboxLoop(lease, clock=clock, pause=time.sleep, stopping=is_stop_requested)
    acquire_slot("inbox", lease, now=clock())
    try:
        loop.run()
    finally:
        release_slot(lease)
    if not is_stop_requested():
        loop.run(run_seconds=FINAL_RUN_SECONDS)  # for receivers that still rely on this loop
        wake_inbox_for_due_messages(now=clock())  # what arrived while the lease was released


def wake_inbox_for_due_messages(*, now: datetime) -> None:
    """Start an inbox loop if messages or items are due and none runs; a step of the sweep."""
    if is_message_due(now=now) or due_items().exists():
        wake_loop("inbox", now=now)


def check_registrations(name: str) -> None:
    """Check the registrations of endpoint 17 on the wake-up `register:17`, if it still exists.

    On `register:17:awaited` a person waits for it.
    """
    id, _, manner = acknowledge_wake_up(name).partition(":")
    endpoint = InboundEndpoint.unscoped.filter(pk=int(id)).first()
    if endpoint is None or is_stop_requested():
        return
    if lease := claim_check(endpoint, now=clock()):
        call = partial(_call_in_check, lease)
        context = RegistrationCheckContext(
            call, clock, time.sleep, random.random, low_priority=manner != AWAITED_SUFFIX
        )
        check_endpoint(lease, context)


def _call_in_check(lease: RegistrationLease, request: Request) -> Response:
    """Send a request of a check, and extend its lease.

    Raises EgressError if the call fails, RegistrationLeaseLost if the lease was lost.
    """
    report_progress()
    lease.extend(now=clock())
    return egress.send_request(request)


def listen_to_sources(name: str) -> None:
    """Send due canaries, learn due rhythms, judge sources that are quiet, and ask their systems.

    The sweep wakes another task for what is left.
    A copy of an installation watches nothing: webhooks go to the original.
    """
    acknowledge_wake_up(name)
    if not is_watching_allowed():
        return
    forget_removed_connectors()
    until = clock() + LISTENING_TIME
    context = CanaryContext(
        call=call_with_heartbeat,
        clock=clock,
        make_token=partial(secrets.token_urlsafe, CANARY_TOKEN_BYTES),
        is_late=lambda: is_stop_requested() or clock() > until,
    )
    handle_due_canaries(context)
    learn_due_rhythms(now=clock())
    report_progress()
    for find_looks in (look_at_fading_sources, judge_due_sources):
        if not is_stop_requested():
            look_into_feeds(find_looks(now=clock()), context)
            report_progress()
