"""Send repairs as ordinary deliveries: one event with one delivery for each record."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.mappings.models import Identity
from hub.outgoing.intake.event_input import EventInput
from hub.outgoing.intake.publish import publish_all_for_route
from hub.outgoing.subscriptions.endpoint_routes import ACTION_EVENT_TYPE
from hub.outgoing.subscriptions.requested_actions import get_or_create_action_route
from hub.scheduled.models import REMOTE, Discrepancy, Job
from hub.scheduled.reconciliation.options import (
    LOCAL_CONNECTOR,
    ReconcileOptions,
    check_options,
    parse_options,
)
from hub.scheduled.reconciliation.verdicts.repair_side import choose_repair_side
from hub.scheduled.repairs.repair_requests import RepairRequest, build_repair
from hub.scheduled.repairs.repair_values import ReferencePairs, RepairRefused

SOURCE = "repair"  # of the events


@dataclass(slots=True)
class RepairResult:
    """What became of some discrepancies: those that are being repaired, and the refused ones."""

    repairing: list[Discrepancy] = field(default_factory=list)
    refused: list[tuple[Discrepancy, RepairRefused]] = field(default_factory=list)


class RepairSender:
    """Builds and publishes the repairs of discrepancies, in the caller's transaction.

    Options, connections and identities are loaded once for all of them.
    """

    def __init__(self, actor: ActorContext, *, now: datetime) -> None:
        self._actor, self._now = actor, now
        self._options: dict[int, ReconcileOptions] = {}
        self._local: Connection | None = None

    def repair(self, discrepancies: Sequence[Discrepancy], *, side: str = "") -> RepairResult:
        """Publish the repairs of locked discrepancies, and set them to *repairing*.

        Discrepancies of one record and side are one delivery. `side` overrides the owners.
        """
        result = RepairResult()
        requests: dict[tuple[int, str], list[RepairRequest]] = defaultdict(list)
        for group, group_side in self._group(discrepancies, side, result):
            try:
                request = self._build(group, group_side)
            except RepairRefused as refused:
                result.refused += [(discrepancy, refused) for discrepancy in group]
                continue
            connection = self._find_connection(group[0], group_side)
            requests[connection.pk, request.action.key].append(request)
        for (connection_id, _), grouped in requests.items():
            self._publish(connection_id, grouped)
            result.repairing += [entry for request in grouped for entry in request.discrepancies]
        return result

    def _group(
        self, discrepancies: Sequence[Discrepancy], side: str, result: RepairResult
    ) -> Iterable[tuple[list[Discrepancy], str]]:
        """Group discrepancies by record and by the side that is changed."""
        groups: dict[tuple[Any, ...], list[Discrepancy]] = defaultdict(list)
        for discrepancy in discrepancies:
            try:
                chosen = side or self._choose_side(discrepancy)
            except RepairRefused as refused:
                result.refused.append((discrepancy, refused))
                continue
            key = (discrepancy.job_id, discrepancy.tenant_id, discrepancy.record_key, chosen)
            groups[key].append(discrepancy)
        return [(group, key[-1]) for key, group in groups.items()]

    def _choose_side(self, discrepancy: Discrepancy) -> str:
        chosen = choose_repair_side(
            discrepancy.verdict,
            discrepancy.owner,
            discrepancy.reason,
            discrepancy.local_changed_at,
            discrepancy.remote_changed_at,
            self._options_of(discrepancy.job),
        )
        if not chosen.side:
            raise RepairRefused(chosen.reason)
        return chosen.side

    def _options_of(self, job: Job) -> ReconcileOptions:
        if job.pk not in self._options:
            if check_options(job.options, job.connector_key):
                raise RepairRefused("options_invalid")
            self._options[job.pk] = parse_options(job.options)
        return self._options[job.pk]

    def _build(self, group: Sequence[Discrepancy], side: str) -> RepairRequest:
        options = self._options_of(group[0].job)
        connection = self._find_connection(group[0], side)
        pairs = load_reference_pairs(group[0].connection, group, options)
        return build_repair(group, side, options, connection.connector, pairs)

    def _find_connection(self, discrepancy: Discrepancy, side: str) -> Connection:
        if side == REMOTE:
            return discrepancy.connection
        if self._local is None:
            self._local = Connection.unscoped.filter(
                connector_key=LOCAL_CONNECTOR, tenant=None
            ).first()
        if self._local is None or self._local.is_disconnected:
            raise RepairRefused("not_connected")
        return self._local

    def _publish(self, connection_id: int, requests: Sequence[RepairRequest]) -> None:
        (first, *_) = requests
        connection = self._find_connection(first.discrepancies[0], first.side)
        route = get_or_create_action_route(connection, first.action, self._actor, now=self._now)
        inputs = [_build_event(request) for request in requests]
        deliveries = publish_all_for_route(
            route, inputs, source=SOURCE, low_priority=True, now=self._now
        )
        for request, delivery in zip(requests, deliveries, strict=True):
            for discrepancy in request.discrepancies:
                discrepancy.transition_to(
                    "repairing",
                    reason="",
                    detail="",
                    repair_side=request.side,
                    repair_delivery=delivery,
                    replaced_value=request.replaced.get(discrepancy.pk),
                    repaired_at=None,
                )


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
    connection: Connection, discrepancies: Sequence[Discrepancy], options: ReconcileOptions
) -> ReferencePairs:
    """Return the identities of the references that these discrepancies concern."""
    kinds = {rule.identity for rule in options.fields if rule.type == "reference"}
    if not kinds:
        return ReferencePairs({})
    values = list(_list_values(discrepancies))
    identities = Identity.unscoped.filter(connection=connection, kind__in=kinds)
    rows = identities.filter(local_id__in=values) | identities.filter(remote_id__in=values)
    return ReferencePairs(
        {
            (kind, local_id): remote_id
            for kind, local_id, remote_id in rows.values_list("kind", "local_id", "remote_id")
        }
    )


def _list_values(discrepancies: Sequence[Discrepancy]) -> Iterable[str]:
    for discrepancy in discrepancies:
        for value in (discrepancy.local_value, discrepancy.remote_value):
            values = value.values() if isinstance(value, Mapping) else (value,)
            yield from (str(entry) for entry in values if isinstance(entry, str | int))
