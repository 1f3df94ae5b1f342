"""Send repairs as ordinary deliveries: one event with one delivery for each record."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.mappings.models import Identity
from hub.outgoing.intake.event_input import EventInput
from hub.outgoing.intake.publish import publish_all_for_route
from hub.outgoing.models import Delivery
from hub.outgoing.subscriptions.endpoint_routes import ACTION_EVENT_TYPE
from hub.outgoing.subscriptions.requested_actions import get_or_create_action_route
from hub.queue import wake_up
from hub.scheduled.models import REMOTE, Discrepancy, Job
from hub.scheduled.reconciliation.declared_options import LOCAL_CONNECTOR, RECONCILE_OPTIONS
from hub.scheduled.reconciliation.options import ReconcileOptions, parse_reconcile_options
from hub.scheduled.reconciliation.verdicts.repair_side import choose_repair_side
from hub.scheduled.repairs.repair_requests import AWAITING_READ, RepairRequest, build_repair
from hub.scheduled.repairs.repair_values import ReferencePairs, RepairRefused

SOURCE = "repair"  # of the events
REPAIR_WAKE_UP = "repair"  # of the task that reads records again


@dataclass(slots=True)
class RepairResult:
    """The result for some discrepancies: those in repair, and the refused ones."""

    repairing: list[Discrepancy] = field(default_factory=list)
    refused: list[tuple[Discrepancy, RepairRefused]] = field(default_factory=list)


class RepairSender:
    """Builds and publishes the repairs of discrepancies, in the caller's transaction.

    Options and connections are loaded once for all of them, identities once for each call.
    """

    def __init__(self, actor: ActorContext, *, now: datetime) -> None:
        self._actor, self._now = actor, now
        self._options: dict[int, ReconcileOptions] = {}
        self._pairs: dict[tuple[int, int], ReferencePairs] = {}
        self._local: Connection | None = None

    def repair(self, discrepancies: Sequence[Discrepancy], *, side: str = "") -> RepairResult:
        """Set locked discrepancies to *repairing* if their repair is possible.

        Discrepancies of one record and side are one delivery. `side` overrides the owners. The
        task `repair` reads the records of both sides again before it sends anything.
        """
        result = RepairResult()
        for group in self._build_all(discrepancies, side, result):
            self._postpone(group)
            result.repairing += [entry for request in group for entry in request.discrepancies]
        return result

    def publish_after_reading(
        self, discrepancies: Sequence[Discrepancy], *, expires_at: datetime
    ) -> RepairResult:
        """Publish the repairs of discrepancies whose records were just read again."""
        result = RepairResult()
        side = discrepancies[0].repair_side
        for group in self._build_all(discrepancies, side, result):
            self._publish(group, expires_at=expires_at)
            result.repairing += [entry for request in group for entry in request.discrepancies]
        return result

    def build_all(
        self, discrepancies: Sequence[Discrepancy]
    ) -> tuple[list[RepairRequest], list[tuple[Discrepancy, RepairRefused]]]:
        """Return the writes that would repair discrepancies, and those that are refused."""
        result = RepairResult()
        groups = self._build_all(discrepancies, "", result)
        return [request for group in groups for request in group], result.refused

    def options_of(self, job: Job) -> ReconcileOptions:
        """Return the options of a job. Raises RepairRefused if they are no longer valid."""
        if job.pk not in self._options:
            if RECONCILE_OPTIONS.find_errors(job.options, job.connector_key):
                raise RepairRefused("options_invalid")
            self._options[job.pk] = parse_reconcile_options(job.options)
        return self._options[job.pk]

    def find_connection(self, discrepancy: Discrepancy, side: str) -> Connection:
        """Return the connection over which this side is written. Raises RepairRefused."""
        if side == REMOTE:
            return discrepancy.connection
        if self._local is None:
            self._local = Connection.unscoped.filter(
                connector_key=LOCAL_CONNECTOR, tenant=None
            ).first()
        if self._local is None or self._local.is_disconnected:
            raise RepairRefused("not_connected")
        return self._local

    def _build_all(
        self, discrepancies: Sequence[Discrepancy], side: str, result: RepairResult
    ) -> list[list[RepairRequest]]:
        """Return the requests, those of one connection and action together."""
        self._pairs = {}  # of other discrepancies
        requests: dict[tuple[int, str], list[RepairRequest]] = defaultdict(list)
        for group, group_side in self._group(discrepancies, side, result):
            try:
                request = self._build(group, group_side, discrepancies)
                connection = self.find_connection(group[0], group_side)
            except RepairRefused as refused:
                result.refused += [(discrepancy, refused) for discrepancy in group]
                continue
            requests[connection.pk, request.action.key].append(request)
        return list(requests.values())

    def _group(
        self, discrepancies: Sequence[Discrepancy], side: str, result: RepairResult
    ) -> Iterable[tuple[list[Discrepancy], str]]:
        """Group discrepancies by record and by the side that is changed."""
        groups: dict[tuple[Any, ...], list[Discrepancy]] = defaultdict(list)
        for discrepancy in discrepancies:
            try:
                repair_side = side or self._choose_side(discrepancy)
            except RepairRefused as refused:
                result.refused.append((discrepancy, refused))
                continue
            key = (discrepancy.job_id, discrepancy.tenant_id, discrepancy.record_key, repair_side)
            groups[key].append(discrepancy)
        return [(group, key[-1]) for key, group in groups.items()]

    def _choose_side(self, discrepancy: Discrepancy) -> str:
        chosen = choose_repair_side(
            discrepancy.verdict,
            discrepancy.owner,
            discrepancy.reason,
            discrepancy.local_changed_at,
            discrepancy.remote_changed_at,
            self.options_of(discrepancy.job),
        )
        if not chosen.side:
            raise RepairRefused(chosen.reason)
        return chosen.side

    def _build(
        self, group: Sequence[Discrepancy], side: str, discrepancies: Sequence[Discrepancy]
    ) -> RepairRequest:
        options = self.options_of(group[0].job)
        connection = self.find_connection(group[0], side)
        pairs = self._load_pairs(group[0], discrepancies)
        return build_repair(group, side, options, connection.connector, pairs)

    def _load_pairs(
        self, discrepancy: Discrepancy, discrepancies: Sequence[Discrepancy]
    ) -> ReferencePairs:
        """Return the identities of all discrepancies of one job and connection, loaded once."""
        key = (discrepancy.job_id, discrepancy.connection_id)
        if key not in self._pairs:
            alike = [row for row in discrepancies if (row.job_id, row.connection_id) == key]
            self._pairs[key] = load_reference_pairs(
                discrepancy.connection_id,
                _list_values_of_both_sides(alike),
                self.options_of(discrepancy.job),
            )
        return self._pairs[key]

    def _publish(self, requests: Sequence[RepairRequest], *, expires_at: datetime) -> None:
        (first, *_) = requests
        connection = self.find_connection(first.discrepancies[0], first.side)
        route = get_or_create_action_route(
            connection,
            first.action,
            self._actor,
            # before a record is created again, it is searched again
            never_twice=first.action.creates and not first.action.is_idempotent,
            now=self._now,
        )
        deliveries = publish_all_for_route(
            route,
            [_build_event(request) for request in requests],
            source=SOURCE,
            low_priority=True,
            expires_at=expires_at,
            now=self._now,
        )
        for request, delivery in zip(requests, deliveries, strict=True):
            _begin_repair(request, delivery, now=self._now)

    def _postpone(self, requests: Sequence[RepairRequest]) -> None:
        """Mark the records to be read again by the task `repair` before anything is sent."""
        for request in requests:
            _begin_repair(request, None, now=self._now)
        if requests:
            wake_up(REPAIR_WAKE_UP, now=self._now)


def _begin_repair(request: RepairRequest, delivery: Delivery | None, *, now: datetime) -> None:
    for discrepancy in request.discrepancies:
        changes: dict[str, Any] = {
            "reason": "" if delivery else AWAITING_READ,
            "detail": "",
            "repair_side": request.side,
            "repair_delivery": delivery,
            "replaced_value": request.replaced_values.get(discrepancy.pk),
            "repaired_at": None,
            "read_again_at": None,
        }
        if discrepancy.state == "repairing":  # it was read again
            Discrepancy.unscoped.filter(pk=discrepancy.pk).update(**changes)
        else:
            discrepancy.transition_to("repairing", repair_requested_at=now, **changes)


def _build_event(request: RepairRequest) -> EventInput:
    (first, *_) = request.discrepancies
    data = {
        "action": request.action.key,
        "input": dict(request.input),
        "record_key": first.record_key,
        "discrepancies": [str(entry.public_id) for entry in request.discrepancies],
    }
    return EventInput(first.tenant, ACTION_EVENT_TYPE, data)


def load_reference_pairs(
    connection_id: int, values: Iterable[Any], options: ReconcileOptions
) -> ReferencePairs:
    """Return the identities of references with these values, of either side."""
    kinds = {rule.identity for rule in options.fields if rule.type == "reference"}
    if not kinds:
        return ReferencePairs({})
    ids = {str(value) for value in values if isinstance(value, str | int)}
    identities = Identity.confirmed().filter(
        Q(local_id__in=ids) | Q(remote_id__in=ids), connection=connection_id, kind__in=kinds
    )
    return ReferencePairs(
        {
            (kind, local_id): remote_id
            for kind, local_id, remote_id in identities.values_list("kind", "local_id", "remote_id")
        }
    )


def _list_values_of_both_sides(discrepancies: Sequence[Discrepancy]) -> Iterable[Any]:
    for discrepancy in discrepancies:
        for value in (discrepancy.local_value, discrepancy.remote_value):
            yield from value.values() if isinstance(value, Mapping) else (value,)
