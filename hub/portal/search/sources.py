"""The sources of the portal's search: one entry of SOURCES for each kind of result.

Every query is restricted to the tenant's rows, and uses an index or a table with few rows per
tenant.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from hub.audit import AuditRow
from hub.connections.models import Connection
from hub.connections.status.effective_status import determine_effective_state
from hub.incoming.insight.rows import readable_items
from hub.incoming.insight.search import match_items
from hub.incoming.models import InboundItem, InboundSource
from hub.mappings.models import FieldMapping
from hub.operations.models import Operation
from hub.outgoing.insight.explain import readable_deliveries
from hub.outgoing.insight.log_rows import build_log_row
from hub.outgoing.insight.search.conditions import match_deliveries, match_events
from hub.outgoing.models import Delivery, Event, Route
from hub.portal.activity import build_activity_entry
from hub.portal.navigation import reverse_object_page
from hub.portal.search.page_names import FIELD_MAPPINGS, INCOMING_EVENTS, find_pages
from hub.portal.search.results import RESULTS_SHOWN, SearchGroup, SearchResult, SearchSource
from hub.recipes.definitions import RECIPES
from hub.recipes.models import Integration
from hub.scheduled.insight.run_progress import readable_runs
from hub.scheduled.models import HUB_KINDS, Job, Run
from tenants.access.tenant_users import TenantUser
from tenants.models import Invitation, Membership, Tenant
from tenants.scoping import tenant_condition

SYSTEMS_SHOWN = 200  # connections of a tenant whose names are compared
# The page of what an audited act changed, by the label of its model.
AUDITED_PAGES = {
    "connections.Connection": "portal:connection",
    "operations.Operation": "portal:operation",
    "outgoing.Delivery": "portal:delivery",
    "scheduled.Job": "portal:job",
    "scheduled.Run": "portal:run",
}


def search_tenant(tenant_user: TenantUser, term: str) -> list[SearchGroup]:
    """Return the results for a term at the tenant, by source; empty sources are left out."""
    text = term.replace("\0", "").strip()
    if not text:
        return []
    groups = (SearchGroup(source, list(source.find(tenant_user, text))) for source in SOURCES)
    return [group for group in groups if group.results]


def parse_id(term: str) -> UUID | None:
    try:
        return UUID(term)
    except ValueError:
        return None


def match_id_or(term: str, condition: Q) -> Q:
    """Match the public id if the term is an id, otherwise by the condition."""
    public_id = parse_id(term)
    return Q(public_id=public_id) if public_id else condition


def own_rows(model: type[Model], tenant: Tenant, condition: Q) -> QuerySet:
    """Return the newest rows that match, and that the tenant may see."""
    rows = model._default_manager.filter(tenant_condition(model, tenant), condition)
    return rows.order_by("-pk")[:RESULTS_SHOWN]


def find_connections(tenant_user: TenantUser, term: str) -> Iterator[SearchResult]:
    tenant, folded = tenant_user.tenant, term.casefold()
    connections = Connection.objects.of(tenant).select_related("lane", "tenant")
    public_id, found = parse_id(term), 0
    for connection in connections.order_by("name", "pk")[:SYSTEMS_SHOWN]:
        names = (connection.name, connection.account_name, connection.connector_key)
        if not (
            connection.public_id == public_id
            or connection.account.casefold() == folded
            or any(folded in name.casefold() for name in names)
        ):
            continue
        page = "portal:endpoint" if connection.is_tenant_endpoint else "portal:connection"
        yield SearchResult(
            str(connection),
            reverse_object_page(page, tenant, connection),
            connection.account,
            determine_effective_state(connection),
        )
        found += 1
        if found == RESULTS_SHOWN:
            return


def find_deliveries(tenant_user: TenantUser, term: str) -> Iterator[SearchResult]:
    tenant = tenant_user.tenant
    condition = match_deliveries(term, [tenant.pk])
    deliveries = readable_deliveries().filter(tenant_condition(Delivery, tenant), condition)
    for delivery in deliveries.order_by("-pk")[:RESULTS_SHOWN]:
        row = build_log_row(delivery)
        yield SearchResult(
            f"{row.type} {row.sender_label}".strip() + f" → {row.target}",
            reverse_object_page("portal:delivery", tenant, delivery),
            row.sentence,
            row.state,
            delivery.accepted_at,
        )


def find_events(tenant_user: TenantUser, term: str) -> Iterator[SearchResult]:
    tenant = tenant_user.tenant
    for event in own_rows(Event, tenant, match_events(term, [tenant.pk])):
        url = reverse_object_page("portal:event", tenant, event)
        yield SearchResult(event.type, url, event.sender_id, at=event.accepted_at)


def find_items(tenant_user: TenantUser, term: str) -> Iterator[SearchResult]:
    tenant = tenant_user.tenant
    items = readable_items().filter(
        tenant_condition(InboundItem, tenant), match_items(term, [tenant.pk])
    )
    for item in items.order_by("-pk")[:RESULTS_SHOWN]:
        url = reverse_object_page("portal:incoming_item", tenant, item)
        yield SearchResult(item.type, url, item.record, item.state, item.received_at)


def find_sources(tenant_user: TenantUser, term: str) -> Iterator[SearchResult]:
    tenant = tenant_user.tenant
    condition = match_id_or(term, Q(object__istartswith=term))
    for source in own_rows(InboundSource, tenant, condition).select_related("connection"):
        url = reverse_object_page("portal:source", tenant, source)
        name = f"{source.connection.name}: {source.object or _('all webhooks')}"
        yield SearchResult(name, url, state=source.state)


def find_integrations(tenant_user: TenantUser, term: str) -> Iterator[SearchResult]:
    """Yield the tenant's integrations, then the recipes that can be switched on."""
    yield from islice(iterate_integrations(tenant_user, term), RESULTS_SHOWN)


def iterate_integrations(tenant_user: TenantUser, term: str) -> Iterator[SearchResult]:
    tenant, folded = tenant_user.tenant, term.casefold()
    integrations = Integration.objects.of(tenant).exclude(state="removed").order_by("-pk")
    public_id = parse_id(term)
    for integration in integrations[:SYSTEMS_SHOWN]:
        if integration.public_id == public_id or folded in integration.title.casefold():
            url = reverse_object_page("portal:integration", tenant, integration)
            yield SearchResult(integration.title, url, integration.get_state_display())
    for recipe in RECIPES.values():
        if folded in recipe.title.casefold():
            url = reverse("portal:integration_new", args=[tenant.reference, recipe.key])
            yield SearchResult(recipe.title, url, str(_("Ready to switch on")))


def find_mappings(tenant_user: TenantUser, term: str) -> Iterator[SearchResult]:
    tenant = tenant_user.tenant
    used = Route.objects.of(tenant).filter(mapping__tenant=None).values("mapping")
    has_page = Q(tenant=tenant) | Q(pk__in=used)  # of others of the platform there is no page
    condition = match_id_or(term, Q(name__icontains=term)) & has_page
    for mapping in own_rows(FieldMapping, tenant, condition):
        yield SearchResult(mapping.name, reverse_object_page("portal:mapping", tenant, mapping))


def find_jobs(tenant_user: TenantUser, term: str) -> Iterator[SearchResult]:
    tenant = tenant_user.tenant
    condition = match_id_or(term, Q(name__icontains=term)) & ~Q(kind__in=HUB_KINDS)
    for job in own_rows(Job, tenant, condition):
        url = reverse_object_page("portal:job", tenant, job)
        yield SearchResult(job.name, url, job.get_kind_display())


def find_runs(tenant_user: TenantUser, term: str) -> Iterator[SearchResult]:
    tenant = tenant_user.tenant
    runs = readable_runs().filter(tenant_condition(Run, tenant))
    jobs = Job.objects.of(tenant).filter(name__icontains=term).values("pk")
    condition = match_id_or(term, Q(job__in=jobs))
    for run in runs.filter(condition).order_by("-pk")[:RESULTS_SHOWN]:
        url = reverse_object_page("portal:run", tenant, run)
        yield SearchResult(run.job.title, url, state=run.state, at=run.slot_at or run.created_at)


def find_operations(tenant_user: TenantUser, term: str) -> Iterator[SearchResult]:
    tenant = tenant_user.tenant
    if public_id := parse_id(term):
        for operation in own_rows(Operation, tenant, Q(public_id=public_id)):
            url = reverse_object_page("portal:operation", tenant, operation)
            yield SearchResult(str(operation), url, at=operation.planned_at)


def find_people(tenant_user: TenantUser, term: str) -> Iterator[SearchResult]:
    tenant = tenant_user.tenant
    url = reverse("people:members", args=[tenant.reference])
    condition = Q(user__email__icontains=term) | Q(user__name__icontains=term)
    members = Membership.objects.of(tenant).filter(condition).select_related("user")
    for membership in members.order_by("pk")[:RESULTS_SHOWN]:
        role = membership.get_role_display()
        yield SearchResult(str(membership.user), url, f"{membership.user.email} · {role}")
    for invitation in own_rows(Invitation, tenant, Q(email__icontains=term)):
        yield SearchResult(invitation.email, url, str(_("Invitation")))


def find_requests(tenant_user: TenantUser, term: str) -> Iterator[SearchResult]:
    """Yield the changes at the tenant that were made by the request with this id."""
    tenant = tenant_user.tenant
    audit_rows = AuditRow.objects.filter(request_id=term, tenant=tenant.public_id)
    for audit_row in audit_rows.order_by("pk")[:RESULTS_SHOWN]:
        entry, page = build_activity_entry(audit_row), AUDITED_PAGES.get(audit_row.object_label)
        url = reverse(page, args=[tenant.reference, audit_row.object_id]) if page else ""
        yield SearchResult(f"{entry.actor}: {entry.action}", url, entry.reason, at=entry.at)


SOURCES: Sequence[SearchSource] = (
    SearchSource(_("Pages"), "out", find_pages),
    SearchSource(_("Connections"), "cable", find_connections),
    SearchSource(_("Deliveries"), "send", find_deliveries),
    SearchSource(_("Events"), "bolt", find_events),
    SearchSource(INCOMING_EVENTS, "webhook", find_items),
    SearchSource(_("Sources"), "webhook", find_sources),
    SearchSource(_("Integrations"), "apps", find_integrations),
    SearchSource(FIELD_MAPPINGS, "checklist", find_mappings),
    SearchSource(_("Jobs"), "schedule", find_jobs),
    SearchSource(_("Runs"), "sync", find_runs),
    SearchSource(_("Operations"), "sync", find_operations),
    SearchSource(_("People"), "group", find_people),
    SearchSource(_("What a request changed"), "key", find_requests),
)
