"""What was done to a connection, in words, with who did it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from hub import audit
from hub.audit import AuditRow
from hub.connections.models import Connection

SHOWN = 20
ACTS = {
    "connection.connect": _("connected it"),
    "connection.reconnect": _("reconnected it"),
    "connection.replace": _("connected another account"),
    "connection.revive": _("connected it again"),
    "connection.credential": _("changed settings and credential"),
    "connection.test": _("tested it"),
    "connection.pause": _("paused it"),
    "connection.resume": _("resumed it"),
    "connection.enable": _("switched it on"),
    "connection.disable": _("switched it off"),
    "connection.disconnect": _("disconnected it"),
    "connection.uninstall": _("heard that the app was removed at the other system"),
    "connection.rename": _("gave it another name"),
    "connection.identify": _("said which of their records is meant"),
    "connection.forget": _("took back which of their records is meant"),
    "connection.change": _("changed it"),
    "connection.settle": _("changed its settings"),
    "connection.limit": _("changed how many calls it makes at the same time"),
    "connection.notices": _("changed whether notices are told over it"),
    "connection.send_reconnect_link": _("made a link to reconnect it"),
    "connection.look": _("looked at it, as our support"),
    "endpoint.events": _("chose which events it gets"),
    "endpoint.headers": _("changed its own headers"),
    "endpoint.reveal": _("looked at its signing secret"),
    "endpoint.rotate": _("changed its signing secret"),
    "endpoint.end_overlap": _("ended the time of the old signing secret"),
    "endpoint.test": _("sent a test event"),
}
WHO = {"api_key": _("the API key %(name)s"), "system": _("the hub")}


class Act(NamedTuple):
    at: datetime
    who: str
    what: str
    reason: str


def activity(connection: Connection) -> Sequence[Act]:
    """The newest first, by the index of an object."""
    return [told(row) for row in audit.of(connection).order_by("-at", "-number")[:SHOWN]]


def told(row: AuditRow) -> Act:
    what = gettext(ACTS[row.verb]) if row.verb in ACTS else row.verb.replace(".", ": ").replace("_", " ")
    who = gettext(WHO[row.actor_kind]) % {"name": row.actor_label} if row.actor_kind in WHO else row.actor_label
    return Act(row.at, f"{who} ({row.acting_for})" if row.acting_for else who, what, row.reason)
