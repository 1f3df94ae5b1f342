"""Actions that our application requests now: each is an event with one delivery."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from connectors.roles import Action
from hub.audit import ActorContext
from hub.connections.models import Connection, Lane
from hub.limits.spending import spend_connection_limit
from hub.mappings.models import FieldMapping
from hub.mappings.versions import save_mapping_version
from hub.outgoing.intake.event_input import EventConflict, EventInput
from hub.outgoing.intake.publish import publish_all_for_route
from hub.outgoing.models import Delivery, Route
from hub.outgoing.subscriptions.endpoint_routes import ACTION_EVENT_TYPE, create_route
from hub.problems import Refusal
from tenants.models import Tenant

# a requested delivery is due so much earlier, and is claimed before what waits on its lane
PRIORITY_LEAD = timedelta(days=30)
PRIORITY_DELIVERIES_PER_MINUTE = 30  # of a connection; further ones take their turn with what waits
INPUT_PATH = "data.input"
SOURCE = "action"


class ActionInputRefused(Refusal):
    """The action cannot be carried out with this input."""

    code, field = "validation-failed", "data"


@transaction.atomic
def request_action(
    connection: Connection,
    action: Action,
    input: Mapping[str, Any],
    actor: ActorContext,
    *,
    tenant: Tenant,
    id: str = "",
    now: datetime,
) -> Delivery:
    """Publish an event `action.requested` and its one delivery, which is claimed first; audit it.

    `id` is the sender's: the same request again returns the first delivery. Raises EventConflict if
    another request has this id, ActionInputRefused if the action does not accept the input, or the
    account is disconnected, and LimitExceeded if too many were requested of this connection.
    """
    if problem := action.find_body_problem(input):
        raise ActionInputRefused(problem)
    Lane.lock(connection.pk)
    locked = Connection.unscoped.select_for_update(no_key=True).get(pk=connection.pk)
    if locked.is_disconnected:
        raise ActionInputRefused("the account is disconnected")
    data = {"action": action.key, "input": dict(input)}
    event_input = EventInput(tenant, ACTION_EVENT_TYPE, data, id)
    if first := _find_requested(event_input):
        if (first.connection_id, first.event.digest) != (connection.pk, event_input.digest()):
            raise EventConflict(0, id)
        return first
    used = spend_connection_limit(connection, "actions", now=now)
    route = get_or_create_action_route(connection, action, actor, now=now)
    try:
        (delivery,) = publish_all_for_route(route, [event_input], source=SOURCE, now=now)
    except IntegrityError:  # at the same time, of another connection
        raise EventConflict(0, id) from None
    if delivery.state == "waiting" and used <= PRIORITY_DELIVERIES_PER_MINUTE:
        delivery.due_at = now - PRIORITY_LEAD
        delivery.save(update_fields=["due_at"])
    after = {"action": action.key, "delivery": str(delivery.public_id)}
    actor.audit("connection.act", connection, after=after, now=now)
    return delivery


def _find_requested(event_input: EventInput) -> Delivery | None:
    """Return the delivery of an earlier request with this id, with its event."""
    if not event_input.id:
        return None
    deliveries = Delivery.unscoped.filter(
        event__tenant=event_input.tenant, event__source=SOURCE, event__sender_id=event_input.id
    )
    return deliveries.select_related("event").order_by("pk").first()


def get_or_create_action_route(
    connection: Connection,
    action: Action,
    actor: ActorContext,
    *,
    never_twice: bool = False,
    now: datetime,
) -> Route:
    """Return the route that carries this action's requests: no published event matches it."""
    existing = Route.unscoped.filter(
        connection=connection,
        event_type=ACTION_EVENT_TYPE,
        action=action.key,
        never_twice=never_twice,
    )
    if route := existing.select_related("connection").order_by("pk").first():
        return route
    mapping = FieldMapping.unscoped.create(
        tenant=connection.tenant,
        name=f"The input of {action.label}, to {connection.name}"[:200],
        connector_key=connection.connector_key,
        action=action.key,
        created_at=now,
    )
    save_mapping_version(mapping, build_input_mapping(action), user=actor.user, now=now)
    name = f"{action.label}, on request, to {connection.name}"[:200]
    route = create_route(connection, mapping, name, ACTION_EVENT_TYPE, "", now=now)
    Route.unscoped.filter(pk=route.pk).update(enabled=False, never_twice=never_twice)
    route.never_twice = never_twice
    return route


def build_input_mapping(action: Action) -> dict[str, str]:
    """Return the field mapping that passes on the requested input."""
    return {entry.key: f"{INPUT_PATH}.{entry.key}" for entry in action.inputs}
