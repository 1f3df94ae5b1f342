"""The results of the portal's search."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.utils.functional import Promise

from tenants.access.tenant_users import TenantUser

RESULTS_SHOWN = 6  # of each source


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One result. `url` is "" if it has no page; `state` is shown as a badge."""

    title: str
    url: str
    detail: str = ""
    state: str = ""
    at: datetime | None = None


class SearchSource(NamedTuple):
    """A source of the search; `find` receives the person and the term, which is not empty."""

    label: str | Promise
    icon: str
    find: Callable[[TenantUser, str], Iterable[SearchResult]]


class SearchGroup(NamedTuple):
    """The results of one source."""

    source: SearchSource
    results: Sequence[SearchResult]
