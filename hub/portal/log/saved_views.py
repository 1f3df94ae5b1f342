"""Views of the log that a team keeps: what may be in one, and how it is kept."""

from datetime import datetime
from urllib.parse import urlencode

from django.http import QueryDict

from hub.portal.log.query import LogForm
from hub.portal.models import SavedView
from tenants.models import Tenant

MAX_SAVED_VIEWS = 30  # of one tenant
MAX_QUERY_LENGTH = SavedView._meta.get_field("query").max_length or 0


class TooManySavedViews(Exception):
    """The team has as many as it may have."""


def list_saved_views(tenant: Tenant) -> list[SavedView]:
    return list(SavedView.objects.of(tenant).order_by("name")[:MAX_SAVED_VIEWS])


def extract_log_filters(query: str) -> str:
    """Of an address of the log what narrows it; empty where nothing does, or where it is longer than a view may be."""
    parameters = QueryDict(query)
    query_string = urlencode(
        {name: parameters[name] for name in LogForm.base_fields if parameters.get(name)}
    )
    return query_string if len(query_string) <= MAX_QUERY_LENGTH else ""


def store_saved_view(tenant: Tenant, name: str, query: str, *, now: datetime) -> SavedView:
    """One of the same name is replaced. Raises TooMany."""
    tenant_views = SavedView.objects.of(tenant)
    if not tenant_views.filter(name=name).exists() and tenant_views.count() >= MAX_SAVED_VIEWS:
        raise TooManySavedViews
    defaults = {"query": query, "created_at": now}
    view, _created = SavedView.unscoped.update_or_create(
        tenant=tenant, name=name, defaults=defaults
    )
    return view
