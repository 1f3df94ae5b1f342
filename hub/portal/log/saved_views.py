"""Saved views of the log: their filters and limits."""

from datetime import datetime
from urllib.parse import urlencode

from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from hub.audit import ActorContext
from hub.portal.log.query import LogForm
from hub.portal.models import SavedView
from hub.problems import Refusal
from tenants.models import Tenant

MAX_SAVED_VIEWS = 30  # of one tenant
MAX_QUERY_LENGTH = SavedView._meta.get_field("query").max_length or 0


class TooManySavedViews(Refusal):
    """The tenant has the maximum number of saved views."""

    sentence = _("Your organisation has reached the limit of saved views. Remove one first.")


def list_saved_views(tenant: Tenant) -> list[SavedView]:
    return list(SavedView.objects.of(tenant).order_by("name")[:MAX_SAVED_VIEWS])


def extract_log_filters(query: str) -> str:
    """Return the filters in a URL of the log as a query string.

    Empty if there are none, or if they are longer than a saved view may be.
    """
    parameters = QueryDict(query)
    query_string = urlencode(
        {name: parameters[name] for name in LogForm.base_fields if parameters.get(name)}
    )
    return query_string if len(query_string) <= MAX_QUERY_LENGTH else ""


@transaction.atomic
def store_saved_view(
    tenant: Tenant, name: str, query: str, actor: ActorContext, *, now: datetime
) -> SavedView:
    """Save a view, replacing one of the same name; audit it.

    Raises TooManySavedViews if the tenant already has the maximum number.
    """
    tenant_views = SavedView.objects.of(tenant)
    if not tenant_views.filter(name=name).exists() and tenant_views.count() >= MAX_SAVED_VIEWS:
        raise TooManySavedViews
    defaults = {"query": query, "created_at": now}
    view, _created = SavedView.unscoped.update_or_create(
        tenant=tenant, name=name, defaults=defaults
    )
    actor.audit("view.save", view, after={"name": name, "query": query}, now=now)
    return view


@transaction.atomic
def remove_saved_view(view: SavedView, actor: ActorContext, *, now: datetime) -> None:
    """Delete the view, audited with its name and filters."""
    actor.audit("view.remove", view, before={"name": view.name, "query": view.query}, now=now)
    view.delete()
