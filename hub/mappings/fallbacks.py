"""Fallbacks of identities: what happens to a record without an identity, in each direction."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.mappings.expressions.functions import IdentitySkipped
from hub.mappings.identity_pairs import find_text_problem, lock_identities
from hub.mappings.models import IdentityFallback
from hub.queue import wake_up

FallbackKey = tuple[int, str]  # connection and kind
TEXT_LENGTH = 200
INCOMING_KINDS = ("user",)  # of incoming events, the author is the only record that is looked up


@transaction.atomic
def set_identity_fallback(
    connection: Connection,
    kind: str,
    direction: str,
    choice: str,
    actor: ActorContext,
    *,
    default_id: str = "",
    explanation: str = "",
    now: datetime,
) -> IdentityFallback:
    """Store the fallback of a kind in one direction, and evaluate held deliveries and items again.

    Raises ValidationError by field.
    """
    lock_identities(connection)
    key = {"connection": connection, "kind": kind, "direction": direction}
    fallback = IdentityFallback.unscoped.filter(**key).first() or IdentityFallback(**key)
    before = _describe(fallback) if fallback.pk else None
    fallback.choice, fallback.updated_at = choice, now
    fallback.default_id = default_id if choice == IdentityFallback.Choice.DEFAULT else ""
    fallback.explanation = explanation if choice == IdentityFallback.Choice.SKIP else ""
    _check_fallback(fallback)
    fallback.save()
    wake_up("drain", now=now)
    after = _describe(fallback)
    actor.audit("connection.set_fallback", connection, before=before, after=after, now=now)
    return fallback


@transaction.atomic
def remove_identity_fallback(
    fallback: IdentityFallback, actor: ActorContext, *, now: datetime
) -> None:
    """Remove the fallback: deliveries are held, and events do not contain our user."""
    before = _describe(fallback)
    connection = fallback.connection
    fallback.delete()
    actor.audit("connection.remove_fallback", connection, before=before, now=now)


def load_fallbacks(
    connections: Collection[int], kinds: Collection[str], direction: str
) -> Mapping[FallbackKey, IdentityFallback]:
    """Load the fallbacks of these connections and kinds in one statement."""
    fallbacks = IdentityFallback.unscoped.filter(
        connection__in=connections, kind__in=kinds, direction=direction
    )
    return {(fallback.connection_id, fallback.kind): fallback for fallback in fallbacks}


def apply_fallback(fallback: IdentityFallback, kind: str, value: str) -> str | None:
    """Return the default id; None if it has to be held. Raises IdentitySkipped."""
    if fallback.choice == IdentityFallback.Choice.SKIP:
        raise IdentitySkipped(kind, value, fallback.explanation)
    return fallback.default_id or None


def _check_fallback(fallback: IdentityFallback) -> None:
    """Raise ValidationError by field."""
    fallback.clean_fields(exclude={"connection"})
    for name in ("kind", "default_id", "explanation"):
        if problem := find_text_problem(name, getattr(fallback, name), TEXT_LENGTH):
            raise ValidationError({name: problem})
    if fallback.direction == IdentityFallback.Direction.IN and fallback.kind not in INCOMING_KINDS:
        raise ValidationError({"kind": _("Only users are looked up in incoming events.")})
    if fallback.choice == IdentityFallback.Choice.DEFAULT and not fallback.default_id:
        raise ValidationError({"default_id": _("Enter the ID of the default record.")})
    if fallback.choice == IdentityFallback.Choice.SKIP and not fallback.explanation:
        raise ValidationError({"explanation": _("Enter why it is skipped.")})
    choices = fallback.connection.connector.list_choices_by_kind.get(fallback.kind)
    is_remote = fallback.direction == IdentityFallback.Direction.OUT and fallback.default_id
    if choices and is_remote and (problem := choices.find_id_problem(fallback.default_id)):
        raise ValidationError({"default_id": problem})


def _describe(fallback: IdentityFallback) -> dict[str, str]:
    names = ("kind", "direction", "choice", "default_id", "explanation")
    return {name: value for name in names if (value := getattr(fallback, name))}
