"""Disconnect: revoke and wipe the credential, at once or after 24 hours; its history stays."""

from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from django import forms
from django.db import transaction
from django.db.models import Count, F, Max
from django.utils.translation import gettext_lazy

from connectors.base import Grant
from hub.actions import Action, ActionForm, declare_actions
from hub.audit import ActorContext
from hub.audit.own_reasons import ACCOUNT_DISCONNECTED
from hub.connections import token_lifetimes
from hub.connections.actions.connection_actions import (
    NO_UNDO_TEXT,
    WRITE_SCOPE,
    InvalidConnectionState,
    explain_state,
)
from hub.connections.credentials.revocation_schedule import (
    end_undo,
    keep_credential_for_undo,
    schedule_connection_revocation,
)
from hub.connections.models import Connection, Credential, CredentialEvent, Disconnection
from hub.crypto.sealed import seal
from hub.operations import operation_actions

REVOKE_LATER = "later"
CANCELLABLE_DELIVERY_STATES = ("waiting", "held")
DISCONNECTIONS_AT_ONCE = 20  # disconnects whose time is over, in one run of the sweep


def disconnect_account(
    connection: Connection,
    actor: ActorContext,
    *,
    reason: str = "",
    keeps_events: bool = True,
    can_be_undone: bool = False,
    now: datetime,
) -> None:
    """Revoke and wipe the credential, and hold the waiting deliveries.

    `keeps_events`: whether new deliveries are held too; otherwise they are skipped.
    `can_be_undone`: the credential is kept sealed for 24 hours, unusable, and revoked then. Raises
    InvalidConnectionState if the connection is disconnected already, or has changed meanwhile.
    """
    before = {"state": connection.state, "account": connection.account}
    with transaction.atomic():
        disconnection = keep_credential_for_undo(connection, now=now) if can_be_undone else None
        if disconnection is None:
            schedule_connection_revocation(connection, now=now)
        with explain_state(connection):
            connection.disconnect(reason, keeps_events=keeps_events, now=now)
        _wipe_credential(connection, now=now)
        _record_credential_event(connection, "withheld" if disconnection else "revoked", now=now)
        actor.audit(
            "connection.disconnect",
            connection,
            tenant=connection.tenant,
            reason=reason,
            before=before,
            after={
                "state": connection.state,
                "reason": connection.reason,
                **({"revoke_at": disconnection.revoke_at} if disconnection else {}),
            },
            now=now,
        )


def _wipe_credential(connection: Connection, *, now: datetime) -> None:
    Credential.unscoped.filter(connection=connection).update(
        sealed=seal({}, Credential.binding(connection)),
        version=F("version") + 1,
        updated_at=now,
        **token_lifetimes.build_fresh_columns(
            connection.connector, Grant({}), now=now, random=lambda: 0
        ),
    )


def find_disconnection(connection: Connection, *, now: datetime) -> Disconnection | None:
    """Return the disconnect that can still be undone; None if there is none."""
    if not connection.is_disconnected:
        return None
    return Disconnection.unscoped.filter(connection=connection, revoke_at__gt=now).first()


@transaction.atomic
def revoke_disconnected_account(
    connection: Connection, actor: ActorContext, *, now: datetime
) -> None:
    """End the time in which the disconnect can be undone: revoke and delete the credential now.

    Raises InvalidConnectionState if no disconnect can be undone.
    """
    Credential.lock(connection)
    if not end_undo(connection, now=now):
        raise InvalidConnectionState(connection, NO_UNDO_TEXT)
    _record_credential_event(connection, "revoked", now=now)
    actor.audit("connection.end_undo", connection, tenant=connection.tenant, now=now)


def revoke_due_accounts(*, now: datetime) -> None:
    """Revoke the credentials of accounts that were disconnected 24 hours ago; a sweep step."""
    due = Disconnection.unscoped.filter(revoke_at__lte=now).order_by("revoke_at")
    for disconnection in due.select_related("connection__tenant")[:DISCONNECTIONS_AT_ONCE]:
        with suppress(InvalidConnectionState):  # another process was faster
            revoke_disconnected_account(disconnection.connection, ActorContext.system(), now=now)


def _record_credential_event(connection: Connection, kind: str, *, now: datetime) -> None:
    version = Credential.unscoped.values_list("version", flat=True).get(connection=connection)
    CredentialEvent.record_event(connection, kind, version=version, now=now)


def cancel_waiting_deliveries(connection: Connection, actor: ActorContext, *, now: datetime) -> int:
    """Start an operation that cancels the connection's deliveries; return their number.

    Raises OperationRefused if it cannot start; the deliveries stay held.
    """
    waiting = connection.deliveries.filter(state__in=CANCELLABLE_DELIVERY_STATES).aggregate(
        count=Count("pk"), last=Max("pk")
    )
    if not waiting["count"]:
        return 0
    operation = operation_actions.store_plan(
        actor,
        kind="cancel",
        filter={"connection": str(connection.public_id)},
        tenant=connection.tenant,
        reason=ACCOUNT_DISCONNECTED,
        count=waiting["count"],
        last=waiting["last"],
        now=now,
    )
    operation_actions.confirm_operation(operation, actor, now=now)
    return int(operation.count)


class DisconnectForm(ActionForm):
    revoke = forms.ChoiceField(
        label=gettext_lazy("End of our access"),
        choices=[
            (REVOKE_LATER, gettext_lazy("In 24 hours. Until then the disconnect can be undone")),
            ("now", gettext_lazy("Now: disconnect and revoke. This cannot be undone")),
        ],
        initial=REVOKE_LATER,
        required=False,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("Nothing is sent or processed from now on, whichever you choose."),
    )
    what_waits = forms.ChoiceField(
        label=gettext_lazy("Waiting deliveries"),
        choices=[
            ("hold", gettext_lazy("Hold them until it is connected again")),
            ("cancel", gettext_lazy("Cancel them")),
        ],
        initial="hold",
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("Kept in the audit log."),
    )


class Disconnected(NamedTuple):
    """What became of the deliveries that waited for a disconnected account."""

    cancelled: int | None  # None: they are held
    problem: str  # why they are held although they should be cancelled
    revoke_at: datetime | None  # until when the disconnect can be undone


def disconnect_as_chosen(
    connection: Connection,
    actor: ActorContext,
    *,
    reason: str,
    what_waits: str,
    revoke: str,
    now: datetime,
) -> Disconnected:
    """Disconnect with the choices of a DisconnectForm; a failed cancellation prevents nothing."""
    disconnect_account(
        connection,
        actor,
        reason=reason,
        keeps_events=what_waits != "cancel",
        can_be_undone=revoke == REVOKE_LATER,
        now=now,
    )
    disconnection = find_disconnection(connection, now=now)
    cancelled, problem = None, ""
    if what_waits == "cancel":
        try:
            cancelled = cancel_waiting_deliveries(connection, actor, now=now)
        except operation_actions.OperationRefused as refused:
            problem = str(refused)
    return Disconnected(cancelled, problem, disconnection.revoke_at if disconnection else None)


def _describe_disconnected(disconnected: Disconnected) -> str:
    if disconnected.problem:
        return (
            "Disconnected. Waiting deliveries are held and were not cancelled: "
            f"{disconnected.problem}"
        )
    if disconnected.cancelled is None:
        return "Disconnected. Waiting deliveries are held."
    return f"Disconnected. {disconnected.cancelled:,} waiting deliveries are being cancelled."


DISCONNECT_ACTIONS = declare_actions(
    Action[Connection](
        name="disconnect",
        label="Disconnect",
        question=(
            "Nothing is sent any more, and webhooks are refused. The authorization is revoked at "
            "the other system and deleted here, now or in 24 hours. Until then, webhooks are "
            "stored, and processed if you undo it. The history is kept, and the same account can "
            "be connected again."
        ),
        summary="Disconnect a connection",
        run=disconnect_as_chosen,
        describe_result=_describe_disconnected,
        is_success=lambda disconnected: not disconnected.problem,
        form=DisconnectForm,
        is_available=lambda connection: not connection.is_disconnected,
        scope=WRITE_SCOPE,
        icon="link_off",
        tone="danger",
        withheld={
            "portal": "Customers disconnect on a page that shows what depends on the connection, "
            "and can delete the data, too."
        },
    ),
)
