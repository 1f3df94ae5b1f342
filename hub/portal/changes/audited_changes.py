"""List the changes that other people and programs made at a tenant, from its audit log."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from hub.audit import AuditRow
from hub.portal.activity import build_activity_entry
from tenants.access.tenant_users import TenantUser

ROWS_READ = 200
# The areas, by the part of an audited verb before its dot.
AREAS = {
    "connection": _("Connections changed"),
    "endpoint": _("Connections changed"),
    "inbound_endpoint": _("Connections changed"),
    "connect_link": _("Connect links"),
    "fieldmapping": _("Mappings and routes changed"),
    "route": _("Mappings and routes changed"),
    "integration": _("Integrations changed"),
    "job": _("Scheduled jobs changed"),
    "membership": _("Members and invitations"),
    "invitation": _("Members and invitations"),
    "support": _("Support visits"),
    "apikey": _("API keys"),
    "tenant": _("Settings of your organisation"),
}
# What the history of a connection does not say: its verbs are in hub.portal.activity.
CHANGE_TEXTS = {
    "connect_link.create": _("created a connect link"),
    "connect_link.revoke": _("revoked a connect link"),
    "fieldmapping.create": _("created a field mapping"),
    "fieldmapping.revise": _("changed a field mapping"),
    "fieldmapping.restore": _("restored an older version of a field mapping"),
    "fieldmapping.rename": _("renamed a field mapping"),
    "fieldmapping.delete": _("deleted a field mapping"),
    "route.create": _("created a route"),
    "route.change": _("changed a route"),
    "route.delete": _("deleted a route"),
    "integration.switch_on": _("switched an integration on"),
    "integration.change": _("changed an integration"),
    "integration.upgrade": _("upgraded an integration"),
    "integration.pause": _("paused an integration"),
    "integration.resume": _("resumed an integration"),
    "integration.remove": _("removed an integration"),
    "job.create": _("added a scheduled job"),
    "job.change": _("changed a scheduled job"),
    "job.delete": _("deleted a scheduled job"),
    "membership.create": _("became a member"),
    "membership.change_role": _("changed the role of a member"),
    "membership.remove": _("removed a member"),
    "invitation.create": _("invited a person"),
    "invitation.send_again": _("sent an invitation again"),
    "invitation.accept": _("accepted an invitation"),
    "invitation.revoke": _("revoked an invitation"),
    "support.begin": _("viewed your pages (support)"),
    "apikey.issue": _("created an API key"),
    "apikey.revoke": _("revoked an API key"),
    "tenant.change": _("changed the settings of your organisation"),
    "tenant.suspend": _("suspended your organisation"),
    "tenant.restore": _("restored your organisation"),
    "tenant.read_users": _("started to read the list of your users"),
    "tenant.put_users": _("sent a list of your users"),
    "tenant.confirm_deactivations": _("confirmed which of your users are deactivated"),
    "tenant.reject_deactivations": _("rejected a list of your users that left out too many"),
    "tenant.set_limits": _("changed the limits of your organisation"),
}
# what changes nothing that its owner would want to hear of
ROUTINE_VERBS = (
    "connection.look",
    "connection.renew",
    "connection.revoke",
    "connection.test",
    "support.end",
)


def find_changes_by_others(tenant_user: TenantUser, *, since: datetime) -> list[AuditRow]:
    """Return what others changed at the tenant since a time, newest first, in one query.

    At most the newest ROWS_READ audit rows. The person's own, routine ones, and those without an
    area are left out.
    """
    actor, has_area = tenant_user.actor, Q()
    for name in AREAS:
        has_area |= Q(verb__startswith=f"{name}.")
    rows = AuditRow.objects.filter(has_area, tenant=tenant_user.tenant.public_id, at__gt=since)
    rows = rows.exclude(verb__in=ROUTINE_VERBS)
    rows = rows.exclude(actor_kind=actor.kind, actor_id=actor.id)
    return list(rows.order_by("-at", "-number")[:ROWS_READ])


def find_area(audit_row: AuditRow) -> str:
    """Return the label of the area, to be translated; "" for an audit verb without an area."""
    return AREAS.get(audit_row.verb.partition(".")[0], "")


def count_changes_by_area(audit_rows: Sequence[AuditRow]) -> Counter[str]:
    return Counter(find_area(row) for row in audit_rows)


class ChangeEntry(NamedTuple):
    """One audited change: time, actor, verb, and the connection, if any."""

    at: datetime
    actor: str
    action: str
    reason: str
    connection: str


def describe_changes(audit_rows: Sequence[AuditRow], names: Mapping[str, str]) -> list[ChangeEntry]:
    """Describe the changes as sentences. `names`: of connections, by public id."""
    return [_describe_change(row, names) for row in audit_rows]


def _describe_change(audit_row: AuditRow, names: Mapping[str, str]) -> ChangeEntry:
    entry = build_activity_entry(audit_row)
    text = CHANGE_TEXTS.get(audit_row.verb)
    return ChangeEntry(
        entry.at,
        entry.actor,
        gettext(text) if text else entry.action,
        entry.reason,
        names.get(audit_row.object_id, ""),
    )
