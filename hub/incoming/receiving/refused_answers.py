"""Count the answers that systems take for failures, and that no view counted.

The door notes them in memory, since the database may be the reason; the sweep of the same process
stores them. If the process ends before, they are lost.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from http import HTTPStatus
from threading import Lock

from django.conf import settings
from django.db.models import Q

from connectors.registry import CONNECTORS
from hub.db.write_lock import prompt_transaction
from hub.incoming.models import InboundEndpoint
from hub.incoming.models.endpoints import hash_endpoint_key
from hub.incoming.receiving.counts import (
    LATE,
    TOO_LARGE,
    UNAVAILABLE,
    EndpointMinute,
    add_counts,
    truncate_to_minute,
)

MAX_KEYS = 10_000  # endpoints, minutes and causes that are remembered until they are stored
WEBHOOK_PATH = re.compile(rf"{settings.HUB_WEBHOOK_PATH}([-\w]{{1,40}})/([^/]{{1,200}})/?")

UNAVAILABLE_STATUSES = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
)

EndpointPath = tuple[str, str]  # connector key and digest of the key in the URL
RefusedKey = tuple[EndpointPath, datetime, str]  # with the minute and the cause


class RefusedAnswers:
    """The refused answers of one web process that are not stored yet; thread-safe."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.counts: Counter[RefusedKey] = Counter()

    def count(
        self, path: str, status: int, seconds: float, *, is_refusal: bool, at: datetime
    ) -> None:
        """Note an answer, given after so many seconds; `is_refusal`: no view gave it."""
        match = WEBHOOK_PATH.fullmatch(path)
        if not match or match[1] not in CONNECTORS:
            return
        connector_key, key = match.groups()
        if cause := find_cause(connector_key, status, seconds, is_refusal=is_refusal):
            endpoint_path = connector_key, hash_endpoint_key(key)
            self.add({(endpoint_path, truncate_to_minute(at), cause): 1})

    def add(self, counts: Mapping[RefusedKey, int]) -> None:
        """Add counts; beyond MAX_KEYS only those of known keys."""
        with self.lock:
            for key, count in counts.items():
                if key in self.counts or len(self.counts) < MAX_KEYS:
                    self.counts[key] += count

    def take(self) -> Counter[RefusedKey]:
        """Return all counts, and forget them."""
        with self.lock:
            taken, self.counts = self.counts, Counter()
        return taken


def find_cause(connector_key: str, status: int, seconds: float, *, is_refusal: bool) -> str:
    """Return what the system holds against an answer that its view did not count; "" for nothing.

    A redirect and a bad request come from the way to the view, such as a wrong host name.
    """
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in UNAVAILABLE_STATUSES:
        return UNAVAILABLE
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return UNAVAILABLE
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and is_refusal:
        return TOO_LARGE
    source = CONNECTORS[connector_key].webhook_source
    is_late = source is not None and seconds > source.answer_deadline_seconds
    return LATE if is_late and status < HTTPStatus.MULTIPLE_CHOICES else ""


REFUSED_ANSWERS = RefusedAnswers()


def store_refused_answers(*, now: datetime) -> None:
    """Add what this process refused to the counts; a step of the sweep.

    Requests to URLs that do not exist are forgotten. Without a database all are kept.
    """
    if not REFUSED_ANSWERS.counts:
        return
    taken = REFUSED_ANSWERS.take()
    try:
        _store_counts(taken)
    except BaseException:
        REFUSED_ANSWERS.add(taken)
        raise


def _store_counts(taken: Mapping[RefusedKey, int]) -> None:
    endpoints = _find_endpoints({endpoint_path for endpoint_path, _, _ in taken})
    counts: Counter[tuple[EndpointMinute, str]] = Counter()
    for (endpoint_path, minute, cause), count in taken.items():
        if endpoint_id := endpoints.get(endpoint_path):
            counts[(endpoint_id, minute), cause] += count
    if counts:
        with prompt_transaction():
            add_counts(counts)


def _find_endpoints(paths: Collection[EndpointPath]) -> dict[EndpointPath, int]:
    """Return the ids of the endpoints at these URLs, also at those before the last rotation."""
    digests = {digest for _, digest in paths}
    rows = InboundEndpoint.unscoped.filter(
        Q(key_digest__in=digests) | Q(previous_key_digest__in=digests)
    ).values_list("pk", "connector_key", "key_digest", "previous_key_digest")
    return {
        (connector_key, digest): pk
        for pk, connector_key, *own_digests in rows
        for digest in own_digests
        if digest
    }
