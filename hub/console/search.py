"""One box that finds by id, reference or account; no table is read from end to end."""

from itertools import chain
from typing import Any
from uuid import UUID

from django.db.models import Model, Q
from django.http import HttpRequest
from django.urls import reverse

from hub import staff
from hub.connections.models import Connection
from hub.outgoing.models import Delivery, Event
from tenants.models import ApiKey, Tenant
from tenants.scoping import visible_to

SHOWN = 5  # of each kind

# The box gives what was typed in lower case. Only the small tables are asked for texts.
BY_TEXT: tuple[tuple[type[Model], str, tuple[str, ...]], ...] = (
    (Tenant, "apartment", ("reference__iexact", "name__istartswith")),
    (Connection, "cable", ("account__iexact", "name__istartswith")),
    (ApiKey, "key", ("prefix__iexact", "name__istartswith")),
)
BY_ID: tuple[tuple[type[Model], str], ...] = (
    (Delivery, "send"),
    (Event, "bolt"),
    (Connection, "cable"),
    (Tenant, "apartment"),
)


def find(request: HttpRequest, term: str) -> list[staff.SearchResult]:
    wanted = as_id(term)
    if wanted:
        asked = ((model, icon, Q(public_id=wanted)) for model, icon in BY_ID)
    else:
        asked = ((model, icon, any_of(lookups, term)) for model, icon, lookups in BY_TEXT)
    return list(chain.from_iterable(found(request.user, *question) for question in asked))


def as_id(term: str) -> UUID | None:
    try:
        return UUID(term.strip())
    except ValueError:
        return None


def any_of(lookups: tuple[str, ...], term: str) -> Q:
    return Q.create([(lookup, term.strip()) for lookup in lookups], connector=Q.OR)


def found(user: Any, model: type[Model], icon: str, wanted: Q) -> list[staff.SearchResult]:
    name = f"{model._meta.app_label}_{model._meta.model_name}"
    if not user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}"):
        return []
    return [
        staff.SearchResult(
            title=str(row),
            description=str(model._meta.verbose_name),
            link=reverse(f"admin:{name}_change", args=[row.pk]),
            icon=icon,
        )
        for row in visible_to(model, user).filter(wanted)[:SHOWN]
    ]
