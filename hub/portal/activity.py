"""The history of a connection: audited actions as sentences, with their actors."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from hub import audit
from hub.audit import AuditRow
from hub.audit.own_reasons import translate_reason
from hub.connections.models import Connection
from hub.mappings.models import FieldMapping

ENTRIES_SHOWN = 20
VERB_TEXTS = {
    "connection.connect": _("connected it"),
    "connection.reconnect": _("reconnected it"),
    "connection.replace": _("connected another account"),
    "connection.revive": _("connected it again"),
    "connection.credential": _("changed settings and credential"),
    "connection.test": _("tested it"),
    "connection.check_schema": _("checked its schema"),
    "connection.pause": _("paused it"),
    "connection.resume": _("resumed it"),
    "connection.enable": _("enabled it"),
    "connection.disable": _("disabled it"),
    "connection.disconnect": _("disconnected it"),
    "connection.undo_disconnect": _("undid the disconnect"),
    "connection.end_undo": _("revoked its authorization after the disconnect"),
    "connection.discard_webhooks": _("discarded webhooks that arrived after the disconnect"),
    "connection.hold_webhooks": _("held webhooks that arrived for the account before"),
    "connection.uninstall": _("was notified that the app was removed at the other system"),
    "connection.rename": _("renamed it"),
    "connection.identify": _("selected a matching record"),
    "connection.forget": _("removed a matching record"),
    "connection.read_directory": _("started to read the list of its users"),
    "connection.confirm_deactivations": _("confirmed which of its users are deactivated"),
    "connection.reject_deactivations": _("rejected a list of its users that left out too many"),
    "connection.suggest_identities": _("matched its users with yours"),
    "connection.ignore_identities": _("ignored users without a counterpart"),
    "connection.reopen_identities": _("put ignored users back into the review"),
    "connection.keep_identities": _("kept pairs that looked wrong"),
    "connection.export_identities": _("exported the selected records"),
    "connection.set_fallback": _("changed what happens to a record that is not selected"),
    "connection.remove_fallback": _("changed what happens to a record that is not selected"),
    "connection.change": _("changed it"),
    "connection.settle": _("changed its settings"),
    "connection.limit": _("changed the number of concurrent calls"),
    "connection.notices": _("changed whether notices are sent over it"),
    "connection.send_reconnect_link": _("created a reconnect link"),
    "connection.look": _("viewed it (support)"),
    "endpoint.events": _("changed its events"),
    "endpoint.headers": _("changed its custom headers"),
    "endpoint.reveal": _("viewed its signing secret"),
    "endpoint.rotate": _("changed its signing secret"),
    "endpoint.end_overlap": _("stopped the old signing secret"),
    "endpoint.test": _("sent a test event"),
    "connection.act": _("requested an action"),
}
ACTOR_TEXTS = {"api_key": _("the API key %(name)s"), "system": _("the hub")}


class ActivityEntry(NamedTuple):
    at: datetime
    actor: str
    action: str
    reason: str


def list_activity(connection: Connection) -> Sequence[ActivityEntry]:
    """Return the newest entries of the connection's history, newest first."""
    return [
        build_activity_entry(audit_row)
        for audit_row in audit.find_audit_rows(connection).order_by("-at", "-number")[
            :ENTRIES_SHOWN
        ]
    ]


def build_activity_entry(audit_row: AuditRow) -> ActivityEntry:
    action = (
        gettext(VERB_TEXTS[audit_row.verb])
        if audit_row.verb in VERB_TEXTS
        else audit_row.verb.replace(".", ": ").replace("_", " ")
    )
    reason = translate_reason(audit_row.reason)
    return ActivityEntry(audit_row.at, describe_actor(audit_row), action, reason)


def describe_actor(audit_row: AuditRow) -> str:
    """Return the name or kind of the actor as text."""
    actor = (
        gettext(ACTOR_TEXTS[audit_row.actor_kind]) % {"name": audit_row.actor_label}
        if audit_row.actor_kind in ACTOR_TEXTS
        else audit_row.actor_label
    )
    return f"{actor} ({audit_row.acting_for})" if audit_row.acting_for else actor


def find_version_authors(mapping: FieldMapping, numbers: Collection[int]) -> dict[int, str]:
    """Return who stored these versions of a tenant's own mapping, by their numbers; one query.

    The authors of a platform mapping are not shown to tenants.
    """
    if mapping.tenant_id is None:
        return {}
    rows = audit.find_audit_rows(mapping).filter(verb="fieldmapping.revise")
    return {
        audit_row.after["version"]: describe_actor(audit_row)
        for audit_row in rows.filter(after__version__in=list(numbers))
        if audit_row.after
    }
