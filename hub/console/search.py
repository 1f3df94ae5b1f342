"""The search of the staff pages, by id, reference or account; no large table is scanned."""

from itertools import chain
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q
from django.http import HttpRequest
from django.urls import reverse

from hub import staff
from hub.connections.models import Connection
from hub.incoming.models import InboundItem, InboundMessage, WebhookSubscription
from hub.outgoing.models import Delivery, Event
from tenants.models import ApiKey, Tenant, User
from tenants.scoping import visible_rows

RESULTS_SHOWN = 5  # of each kind

# The search box lowers the case of the term. Only small tables are searched by text.
TEXT_SEARCHES: tuple[tuple[type[Model], str, tuple[str, ...]], ...] = (
    (Tenant, "apartment", ("reference__iexact", "name__istartswith")),
    (Connection, "cable", ("account__iexact", "name__istartswith")),
    (ApiKey, "key", ("prefix__iexact", "name__istartswith")),
)
ID_SEARCHES: tuple[tuple[type[Model], str], ...] = (
    (Delivery, "send"),
    (Event, "bolt"),
    (InboundItem, "inbox"),
    (InboundMessage, "download"),
    (WebhookSubscription, "webhook"),
    (Connection, "cable"),
    (Tenant, "apartment"),
)


def search_all(request: HttpRequest, term: str) -> list[staff.SearchResult]:
    public_id = parse_id(term)
    if public_id:
        searches = ((model, icon, Q(public_id=public_id)) for model, icon in ID_SEARCHES)
    else:
        searches = (
            (model, icon, match_any(lookups, term)) for model, icon, lookups in TEXT_SEARCHES
        )
    return list(chain.from_iterable(search_model(request.user, *search) for search in searches))


def parse_id(term: str) -> UUID | None:
    try:
        return UUID(term.strip())
    except ValueError:
        return None


def match_any(lookups: tuple[str, ...], term: str) -> Q:
    return Q.create([(lookup, term.strip()) for lookup in lookups], connector=Q.OR)


def search_model(
    user: User | AnonymousUser, model: type[Model], icon: str, condition: Q
) -> list[staff.SearchResult]:
    name = f"{model._meta.app_label}_{model._meta.model_name}"
    if not user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}"):
        return []
    return [
        staff.SearchResult(
            title=str(result),
            description=str(model._meta.verbose_name),
            link=reverse(f"admin:{name}_change", args=[result.pk]),
            icon=icon,
        )
        for result in visible_rows(model, user).filter(condition)[:RESULTS_SHOWN]
    ]
