"""Views of the log that a team keeps: what may be in one, and how it is kept."""

from datetime import datetime
from urllib.parse import urlencode

from django.http import QueryDict

from hub.portal.log.asked import LogForm
from hub.portal.models import SavedView
from tenants.models import Tenant

SAVED_MOST = 30  # of one tenant
QUERY_MOST = SavedView._meta.get_field("query").max_length or 0


class TooMany(Exception):
    """The team has as many as it may have."""


def saved_of(tenant: Tenant) -> list[SavedView]:
    return list(SavedView.objects.of(tenant).order_by("name")[:SAVED_MOST])


def narrowing(query: str) -> str:
    """Of an address of the log what narrows it; empty where nothing does, or where it is longer than a view may be."""
    said = QueryDict(query)
    kept = urlencode({name: said[name] for name in LogForm.base_fields if said.get(name)})
    return kept if len(kept) <= QUERY_MOST else ""


def save(tenant: Tenant, name: str, query: str, *, now: datetime) -> SavedView:
    """One of the same name is replaced. Raises TooMany."""
    mine = SavedView.objects.of(tenant)
    if not mine.filter(name=name).exists() and mine.count() >= SAVED_MOST:
        raise TooMany
    said = {"query": query, "created_at": now}
    view, _created = SavedView.unscoped.update_or_create(tenant=tenant, name=name, defaults=said)
    return view
