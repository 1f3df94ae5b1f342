"""The buttons above the review: read lists of people, decide on a stopped one, suggest pairs.

Each function returns the message that the page then shows.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.utils.translation import gettext as _

from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.identities.directory_reads import refresh_directory, refresh_local_users
from hub.identities.stopped_reads import confirm_deactivations, reject_deactivations
from hub.identities.suggestion_runs import request_suggestions


def _read_directory(connection: Connection, actor: ActorContext, *, now: datetime) -> str:
    refresh_directory(connection, actor, now=now)
    return _("The users of the other system are being read.")


def _read_local_users(connection: Connection, actor: ActorContext, *, now: datetime) -> str:
    assert connection.tenant is not None
    refresh_local_users(connection.tenant, actor, now=now)
    return _("Your users are being read.")


def _decide_stopped_list(
    connection: Connection,
    actor: ActorContext,
    *,
    is_confirmed: bool,
    is_directory: bool,
    stopped_count: int | None,
    now: datetime,
) -> str:
    assert connection.tenant is not None
    source = connection if is_directory else None
    decide = confirm_deactivations if is_confirmed else reject_deactivations
    decide(connection.tenant, source, actor, stopped_count=stopped_count, now=now)
    if is_confirmed:
        return _("The users that the list left out are deactivated.")
    return _("The list is rejected, and everyone stays active. Read it again when it is right.")


def _suggest(connection: Connection, actor: ActorContext, *, now: datetime) -> str:
    request_suggestions(connection, actor, now=now)
    return _("Your users are being matched with those of the other system.")


STEPS: dict[str, Callable[..., str]] = {
    "read-theirs": _read_directory,
    "read-ours": _read_local_users,
    "suggest": _suggest,
}
STOPPED_LIST_DECISIONS: dict[str, Callable[..., str]] = {
    "deactivate-theirs": partial(_decide_stopped_list, is_confirmed=True, is_directory=True),
    "deactivate-ours": partial(_decide_stopped_list, is_confirmed=True, is_directory=False),
    "keep-theirs": partial(_decide_stopped_list, is_confirmed=False, is_directory=True),
    "keep-ours": partial(_decide_stopped_list, is_confirmed=False, is_directory=False),
}
