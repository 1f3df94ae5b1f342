"""What people and programs can do with a connection, apart from tests, secrets and its end.

These answer with more than the connection, each door with its own page or document.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hub.actions import Action, ActionForm, declare_actions
from hub.audit import ActorContext
from hub.connections.actions.connection_actions import (
    WRITE_SCOPE,
    disable_connection,
    is_token_renewable,
    pause_connection,
    rename_connection,
    renew_token,
    resume_connection,
)
from hub.connections.actions.disconnection import revoke_disconnected_account
from hub.connections.actions.undo_disconnect import undo_or_refuse
from hub.connections.models import Connection, Disconnection

MAX_NAME_LENGTH = 200
UNDO_ACTIONS = ("undo_disconnect", "revoke_now")  # shown where the disconnect is explained
WORKING_STATES = ("healthy", "degraded", "silent")
PAUSE_LENGTHS = {
    "1": gettext_lazy("for one hour"),
    "4": gettext_lazy("for four hours"),
    "24": gettext_lazy("for a day"),
    "168": gettext_lazy("for a week"),
    "": gettext_lazy("until it is resumed"),
}


class ReasonForm(ActionForm):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        help_text=gettext_lazy("Shown with the affected deliveries and kept in the audit log."),
    )


class PauseForm(ReasonForm):
    length = forms.ChoiceField(
        label=gettext_lazy("Duration"), choices=list(PAUSE_LENGTHS.items()), required=False
    )


class RenameForm(ActionForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=MAX_NAME_LENGTH)

    def __init__(self, *args: Any, obj: Connection, **options: Any) -> None:
        super().__init__(*args, obj=obj, initial={"name": obj.name}, **options)


def compute_pause_end(data: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return when the pause ends, from the data of a PauseForm; None: it has no end."""
    return now + timedelta(hours=int(data["length"])) if data["length"] else None


def _pause(
    connection: Connection,
    actor: ActorContext,
    *,
    reason: str,
    length: str = "",
    until: datetime | None = None,
    now: datetime,
) -> None:
    until = until or compute_pause_end({"length": length}, now)
    pause_connection(connection, reason, actor, until=until, now=now)


def _resume(connection: Connection, actor: ActorContext, *, now: datetime) -> Connection:
    resume_connection(connection, actor, now=now)
    return connection


def _describe_resumed(connection: Connection) -> str:
    if connection.state != "needs_reconnect":
        return ""
    return _(
        "Its authorization is no longer valid. Reconnect the account to send the waiting "
        "deliveries."
    )


def _is_undo_possible(connection: Connection) -> bool:
    kept = Disconnection.unscoped.filter(connection=connection)
    return connection.is_disconnected and kept.exists()


_declare_resume = partial(
    Action[Connection],
    run=_resume,
    describe_result=_describe_resumed,
    is_success=lambda connection: connection.state != "needs_reconnect",
    icon="play_arrow",
    tone="primary",
)

CONNECTION_ACTIONS = declare_actions(
    _declare_resume(
        name="resume",
        label=gettext_lazy("Resume"),
        question=gettext_lazy(
            "A paused connection is resumed, a disabled one enabled: its waiting deliveries are "
            "sent now."
        ),
        success=gettext_lazy("Resumed. Waiting deliveries are sent now."),
        summary="Resume a connection",
        is_available=lambda connection: connection.state == "paused",
        scope=WRITE_SCOPE,
    ),
    _declare_resume(
        name="enable",
        label=gettext_lazy("Enable it again"),
        question=gettext_lazy("Its held deliveries are sent now."),
        success=gettext_lazy("Enabled. Waiting deliveries are sent now."),
        is_available=lambda connection: (
            connection.state == "disabled" and not connection.is_disconnected
        ),
        withheld={"rest": "Programs enable a disabled connection with `resume`."},
    ),
    Action[Connection](
        name="undo_disconnect",
        label=gettext_lazy("Undo the disconnect"),
        question=gettext_lazy(
            "The stored credential is tested; if the test fails, nothing is changed. Otherwise "
            "the connection is restored with its settings, its webhooks are registered again, "
            "what was held is sent, and what arrived meanwhile is processed."
        ),
        success=gettext_lazy("The disconnect has been undone. Held deliveries are sent now."),
        summary="Undo the disconnect of a connection",
        run=undo_or_refuse,
        is_atomic=False,
        calls_system=True,
        is_available=_is_undo_possible,
        scope=WRITE_SCOPE,
        icon="undo",
        tone="primary",
    ),
    Action[Connection](
        name="revoke_now",
        label=gettext_lazy("Revoke now"),
        question=gettext_lazy(
            "The authorization is revoked and deleted now. The disconnect can then not be undone."
        ),
        success=gettext_lazy("The authorization is being revoked."),
        summary="Revoke a disconnected account now",
        run=revoke_disconnected_account,
        is_available=_is_undo_possible,
        scope=WRITE_SCOPE,
        icon="link_off",
        tone="danger",
    ),
    Action[Connection](
        name="pause",
        label=gettext_lazy("Pause"),
        question=gettext_lazy(
            "Nothing is sent over a paused connection. New deliveries wait and are sent when it "
            "is resumed. Nothing is lost."
        ),
        success=gettext_lazy("Paused. New deliveries wait."),
        summary="Pause a connection",
        run=_pause,
        form=PauseForm,
        is_available=lambda connection: connection.state in WORKING_STATES,
        scope=WRITE_SCOPE,
        icon="pause",
    ),
    Action[Connection](
        name="renew",
        label=gettext_lazy("Renew the access token"),
        question=gettext_lazy(
            "A worker requests a new access token from the other system now. Read the connection "
            "later for its new expiry."
        ),
        success=gettext_lazy("The renewal has been requested. The timeline shows the result."),
        summary="Renew the access token of a connection",
        run=renew_token,
        is_available=is_token_renewable,
        scope=WRITE_SCOPE,
        icon="autorenew",
        is_background=True,
    ),
    Action[Connection](
        name="rename",
        label=gettext_lazy("Rename"),
        question=gettext_lazy("Choose a name by which your team recognises the account."),
        success=gettext_lazy("The name has been changed."),
        run=lambda connection, actor, *, name, now: rename_connection(
            connection, name, actor, now=now
        ),
        form=RenameForm,
        withheld={
            "staff": "Staff change the name in the form of the connection's own page.",
            "rest": "Programs change `name` with a PATCH of the connection.",
        },
    ),
    Action[Connection](
        name="disable",
        label=gettext_lazy("Disable"),
        question=gettext_lazy(
            "Nothing is sent over a disabled connection until a person enables it. New deliveries "
            "are held, and sent when it is enabled."
        ),
        success=gettext_lazy("Disabled. New deliveries are held."),
        summary="Disable a connection",
        run=lambda connection, actor, *, reason, now: disable_connection(
            connection, reason, actor, now=now
        ),
        form=ReasonForm,
        is_available=lambda connection: (
            connection.state in (*WORKING_STATES, "needs_reconnect", "paused")
        ),
        scope=WRITE_SCOPE,
        icon="do_not_disturb_on",
        tone="danger",
    ),
)
