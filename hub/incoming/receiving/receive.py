"""Receive a request at an endpoint's URL: verify it, store it, and build the response.

`decide` is what the event loop (hub.incoming.api.webhook_route) and the view have in common; here
are the steps that need a database.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import IntegrityError

from connectors.http import Response
from connectors.registry import CONNECTORS
from hub.db.clock import clock
from hub.incoming.models import InboundEndpoint
from hub.incoming.models.endpoints import hash_endpoint_key
from hub.incoming.receiving.accepted_messages import ReceivedMessage
from hub.incoming.receiving.admission import BACKLOG, RETRY_AFTER
from hub.incoming.receiving.decide import ReceivedRequest, decide
from hub.incoming.receiving.receiver_cache import (
    CURRENT,
    MAX_AGE,
    Receiver,
    ReceiverCache,
    ReceiverKey,
)
from hub.incoming.receiving.storage import store_messages
from hub.problems import Problem

log = structlog.get_logger(__name__)

MAX_KEY_LENGTH = 200  # characters
RECEIVERS = ReceiverCache()


def receive_webhook(connector_key: str, key: str, received: ReceivedRequest) -> Response:
    """Verify a request, store it, and return the response that its system expects.

    Raises Problem: 404 for an unknown URL, 410 for one of a disconnected connection, 403 for one of
    a suspended tenant, 503 for a tenant or account with more than half of the backlog. A lost
    database connection raises OperationalError; then nothing was acknowledged.
    """
    now = received.at
    decision = decide(find_receiver(connector_key, key, now=now), received)
    if decision.cause:  # a new secret, network or state may be younger than what was cached
        receiver = find_receiver(connector_key, key, max_age=CURRENT, now=now)
        decision = decide(receiver, received)
    if decision.stored and (problem := store_requests([decision.stored])[0]):
        raise problem
    return decision.get_response()


def find_receiver(
    connector_key: str, key: str, *, max_age: timedelta = MAX_AGE, now: datetime
) -> Receiver:
    """Return the receiver of a URL. Raises Problem (404)."""
    receiver_key = build_receiver_key(connector_key, key)
    receiver = RECEIVERS.get(receiver_key, max_age=max_age, now=now)
    if receiver is None:
        raise Problem("not-found")
    return receiver


def build_receiver_key(connector_key: str, key: str) -> ReceiverKey:
    """Return the key of a URL's receiver. Raises Problem (404) if there can be none."""
    if len(key) > MAX_KEY_LENGTH or connector_key not in CONNECTORS:
        raise Problem("not-found")
    return connector_key, hash_endpoint_key(key)


def load_receivers(keys: Sequence[ReceiverKey]) -> list[Receiver | None]:
    """Load receivers that the event loop waits for."""
    return RECEIVERS.load(keys, now=clock())


def count_backlog(times: Sequence[datetime]) -> list[None]:
    """Count the backlog at the last of these times, if that is due."""
    BACKLOG.count_if_due(now=times[-1])
    return [None] * len(times)


def store_requests(received: Sequence[ReceivedMessage]) -> list[Problem | None]:
    """Store requests in one transaction; return what their senders are told instead: mostly None.

    A single request that the database refuses is a problem: 404 if its endpoint was deleted,
    otherwise 503, since many systems do not repeat a request after a 404. Several raise
    IntegrityError, and nothing was stored.
    """
    try:
        store_messages(received)
    except IntegrityError:
        if len(received) > 1:
            raise
        if not InboundEndpoint.unscoped.filter(pk=received[0].message.endpoint_id).exists():
            return [Problem("not-found")]
        log.exception("incoming.message_refused")
        return [Problem("temporarily-unavailable", headers=RETRY_AFTER)]
    return [None] * len(received)
