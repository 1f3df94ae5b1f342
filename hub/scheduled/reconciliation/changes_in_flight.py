"""Find records that unsettled deliveries may be about to change."""

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.http import load_exact_json
from hub.connections.models import Connection
from hub.outgoing.models import Delivery, EventBody
from tenants.models import Tenant

DELIVERIES_MAX = 20_000  # of which the texts are read
DELIVERIES_PER_CHUNK = 500
TEXT_MAX_LENGTH = 200
IN_FLIGHT_STATES = ("waiting", "sending", "held")  # a held one may be released at any time


class InFlightTexts:
    """The texts and numbers in the events of unsettled deliveries, as hashes.

    Beyond a limit they would need too much memory; then every record counts as about to change
    (`is_truncated`).
    """

    def __init__(self, hashes: set[int], *, is_truncated: bool = False) -> None:
        self._hashes = hashes
        self.is_truncated = is_truncated

    def has_any(self, names: Sequence[str]) -> bool:
        """Return whether an unsettled delivery may contain a text; always if `is_truncated`."""
        return self.is_truncated or any(hash(name) in self._hashes for name in names)


NOTHING_IN_FLIGHT = InFlightTexts(set())


def collect_in_flight_texts(tenant: Tenant, connections: Sequence[Connection]) -> InFlightTexts:
    """Return the texts of this tenant's unsettled deliveries over these connections."""
    deliveries = Delivery.unscoped.filter(
        tenant=tenant, connection__in=connections, state__in=IN_FLIGHT_STATES
    )
    events = list(
        deliveries.order_by("-pk").values_list("event_id", flat=True)[: DELIVERIES_MAX + 1]
    )
    if len(events) > DELIVERIES_MAX:
        return InFlightTexts(set(), is_truncated=True)
    hashes: set[int] = set()
    for start in range(0, len(events), DELIVERIES_PER_CHUNK):
        bodies = EventBody.objects.filter(pk__in=events[start : start + DELIVERIES_PER_CHUNK])
        for body in bodies.values_list("body", flat=True):
            hashes.update(hash(text) for text in iterate_texts(bytes(body)))
    return InFlightTexts(hashes)


def iterate_texts(body: bytes) -> Iterator[str]:
    """Yield the texts and integers of a JSON document; nothing if it cannot be parsed."""
    try:
        pending: list[Any] = [load_exact_json(body)]
    except ValueError:
        return
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, str) and 0 < len(value) <= TEXT_MAX_LENGTH:
            yield value
        elif isinstance(value, int) and not isinstance(value, bool):
            yield str(value)
