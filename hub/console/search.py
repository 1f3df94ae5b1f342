"""The search of the staff pages, by id, value, reference, name, mail address, request or page.

Each entry of SOURCES adds one kind of row. Rows of large tables are found by an index; only small
tables are searched by text.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q
from django.http import HttpRequest
from django.urls import reverse

from hub import staff
from hub.audit import AuditRow
from hub.connections.models import Connection
from hub.console.navigation import HELP, build_sidebar
from hub.incoming.insight.search import match_items
from hub.incoming.models import InboundItem, InboundMessage, InboundSource, WebhookSubscription
from hub.mappings.models import FieldMapping
from hub.operations.models import Operation
from hub.outgoing.insight.search.conditions import match_deliveries, match_events
from hub.outgoing.models import Delivery, Event, Route
from hub.recipes.models import Integration
from hub.scheduled.models import Job, Run
from tenants.models import ApiKey, Tenant, User
from tenants.scoping import TenantIds, accessible_tenants, tenant_path, visible_rows

RESULTS_SHOWN = 5  # of each source

ConditionBuilder = Callable[[str, TenantIds], Q | None]


class SearchSource(NamedTuple):
    """A model that the search covers; `condition` returns None if a term cannot match it.

    `related`: the foreign keys that the title reads.
    """

    model: type[Model]
    icon: str
    condition: ConditionBuilder
    title: Callable[[Any], str] = str
    related: tuple[str, ...] = ()


def by_text(*lookups: str) -> ConditionBuilder:
    """Match by the public id if the term is one and the model has it, else by these look-ups."""

    def build_condition(term: str, tenants: TenantIds) -> Q | None:
        return Q.create([(lookup, term) for lookup in lookups], connector=Q.OR)

    return build_condition


def by_id(*lookups: str) -> ConditionBuilder:
    """Match by the public id if the term is an id, otherwise by these look-ups."""

    def build_condition(term: str, tenants: TenantIds) -> Q | None:
        public_id = parse_id(term)
        if public_id:
            return Q(public_id=public_id)
        return by_text(*lookups)(term, tenants) if lookups else None

    return build_condition


def by_request(term: str, tenants: TenantIds) -> Q | None:
    return Q(request_id=term)


def title_delivery(delivery: Delivery) -> str:
    return f"{title_event(delivery.event)} → {delivery.connection or 'not connected'}"


def title_event(event: Event) -> str:
    return f"{event.type} {event.sender_id}"


def title_person(user: User) -> str:
    return f"{user.name} ({user.email})" if user.name else user.email


SOURCES: Sequence[SearchSource] = (
    SearchSource(Tenant, "apartment", by_id("reference__iexact", "name__istartswith")),
    SearchSource(
        Connection, "cable", by_id("account__iexact", "name__istartswith", "account_name__iexact")
    ),
    SearchSource(Delivery, "send", match_deliveries, title_delivery, ("event", "connection")),
    SearchSource(Event, "bolt", match_events, title_event),
    SearchSource(InboundItem, "inbox", match_items),
    SearchSource(InboundMessage, "download", by_id()),
    SearchSource(WebhookSubscription, "webhook", by_id(), related=("endpoint__connection",)),
    SearchSource(InboundSource, "webhook", by_id(), related=("connection",)),
    SearchSource(Route, "alt_route", by_id("name__istartswith")),
    SearchSource(FieldMapping, "schema", by_id("name__istartswith")),
    SearchSource(Integration, "integration_instructions", by_id("recipe_key__istartswith")),
    SearchSource(Job, "event_repeat", by_id("name__istartswith")),
    SearchSource(Run, "play_circle", by_id(), related=("job",)),
    SearchSource(Operation, "checklist", by_id()),
    SearchSource(User, "group", by_text("email__iexact", "name__istartswith"), title_person),
    SearchSource(ApiKey, "key", by_text("prefix__iexact", "name__istartswith")),
    SearchSource(AuditRow, "fact_check", by_request),
)


def search_all(request: HttpRequest, term: str) -> list[staff.SearchResult]:
    """Return the results for a term, which is matched in lower case, except for ids."""
    text = request.GET.get("s", term).replace("\0", "").strip()
    if not text:
        return []
    results = list(search_pages(request, text.lower()))
    for source in SOURCES:
        results += search_source(request.user, source, text)
    return results


def parse_id(term: str) -> UUID | None:
    try:
        return UUID(term)
    except ValueError:
        return None


def search_pages(request: HttpRequest, term: str) -> Iterator[staff.SearchResult]:
    """Yield the menu pages whose title or section contains a word that begins with the term."""
    for title, page in HELP.items():
        if f" {term}" in f" {title}".lower():
            yield staff.SearchResult(title, "Page", reverse(page), "menu_book")
    for section in build_sidebar(request):
        for item in section["items"]:
            words = f"{section['title']} {item['title']}".lower()
            if words.startswith(term) or f" {term}" in words:
                yield staff.SearchResult(
                    item["title"], section["title"] or "Page", item["link"], item["icon"]
                )


def search_source(
    user: User | AnonymousUser, source: SearchSource, term: str
) -> list[staff.SearchResult]:
    options = source.model._meta
    if not user.has_perm(f"{options.app_label}.view_{options.model_name}"):
        return []
    condition = source.condition(term, accessible_tenants(user))
    if condition is None:
        return []
    rows = visible_rows(source.model, user).filter(condition).order_by("-pk")
    path = tenant_path(source.model).removesuffix("pk")
    related = [name for name in (*source.related, path) if name]
    rows = rows.select_related(*related) if related else rows
    return [build_result(row, source, path) for row in rows[:RESULTS_SHOWN]]


def build_result(row: Any, source: SearchSource, path: str) -> staff.SearchResult:
    options = source.model._meta
    return staff.SearchResult(
        title=source.title(row),
        description=" · ".join(filter(None, (str(options.verbose_name), name_tenant(row, path)))),
        link=reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk]),
        icon=source.icon,
    )


def name_tenant(row: Any, path: str) -> str:
    """Return the name of the row's tenant; "" for a tenant itself and for rows of the platform."""
    if isinstance(row, AuditRow):
        return row.tenant_reference
    for name in path.split("__") if path else ():
        row = getattr(row, name, None)
    return str(row) if path and row else ""
