"""Whoever only looks at a page has the hub call no external system."""

import cProfile
import inspect
import re
from html import unescape
from itertools import islice

import pytest
from django.test import Client

from hub.connections.credentials.provider_call import call_provider
from hub.connections.models import Connection, Credential, KillSwitch, Lane
from hub.db.clock import clock
from hub.egress.async_client import AsyncClient
from hub.egress.sync_client import send_guarded
from hub.schemas.models import ChoiceList
from tests.canary.secret_canaries import HOUR, CanaryRows
from tests.hub.recipes.integrations import age_integration, create_integration
from tests.shared_rows import shared_rows
from tests.tenant_isolation.url_walk import addresses, routes

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.timeout(600),
    pytest.mark.one_database,
    pytest.mark.corrections(item="3.8"),
]
# all ways to an external system
CALLS = {
    inspect.unwrap(function).__code__: function.__qualname__
    for function in (call_provider, send_guarded, AsyncClient.__call__)
}
HREF = re.compile(r'href="([^"#?]*)(\?[^"#]*)"')
QUERIES = {"identities/say/": "?kind=user&local_id=7", "integrations/new/": "?again=1"}
ROWS_OPENED = 12  # of each page, or of an action of it
EVERYTHING, OF_CONNECTIONS = ("",), ("connection", "integration", "mapping", "directories")
TOKENS = {  # the columns with a time that has passed, and the pages that are opened
    "valid": ((), EVERYTHING),
    "expired": (("expires_at",), OF_CONNECTIONS),
    "to be refreshed": (("refresh_due_at", "rejected_at"), OF_CONNECTIONS),
}


@pytest.fixture(scope="module")
def make(django_db_setup, django_db_blocker):
    """Rows that all tests of this module share; a test undoes what it changes."""
    with shared_rows(django_db_blocker) as make:
        yield make


@pytest.fixture(scope="module")
def rows(make):
    """Connections of all systems, which work, and of which no list has been read."""
    rows = CanaryRows(make)
    rows.live()
    age_integration(create_integration(rows.tenant), text="'OLD'")
    KillSwitch.unscoped.all().delete()
    ChoiceList.unscoped.all().delete()
    Connection.unscoped.exclude(state="disabled").update(state="healthy", reason="", detail="")
    Lane.unscoped.exclude(connection__state="disabled").update(hold_reason="")
    Credential.unscoped.update(rejected_at=None, refresh_due_at=None, refusals=0)
    return rows


class Visitor:
    """A person who looks at pages. `calls`: address and function of each call that a page made."""

    def __init__(self, browser):
        self.browser, self.calls, self.visited = browser, [], 0

    def look(self, url):
        """Open the page, and return the links on it that have a query."""
        profile = cProfile.Profile(builtins=False)
        with profile:
            response = self.browser.get(url)
            content = response.getvalue() if response.streaming else response.content
        called = {entry.code for entry in profile.getstats()}
        self.calls += [(url, name) for code, name in CALLS.items() if code in called]
        self.visited += 1
        assert response.status_code < 500, url
        return [
            (path or url, unescape(query))
            for path, query in HREF.findall(content.decode(errors="replace"))
        ]

    def look_at_all(self, door, *, parts):
        """Open all pages whose addresses have one of the parts, and a link of each kind on them."""
        linked = {}
        for route in routes(door):
            queries = ["", *(query for part, query in QUERIES.items() if part in route)]
            urls = addresses(route) if any(part in route for part in parts) else ()
            for url in [url + query for url in islice(urls, ROWS_OPENED) for query in queries]:
                for path, query in self.look(url):
                    if path.startswith(f"/{door}"):
                        linked.setdefault(name_parameters(path, query), path + query)
        for url in linked.values():
            self.look(url)


def name_parameters(path, query):
    """Return what tells one kind of link from another: its page, and the names in its query."""
    return path, tuple(re.findall(r"[?&](\w+)=", query))


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize(("door", "person"), [("t/", "owner"), ("admin/", "staff")])
def test_no_page_calls_an_external_system_when_it_is_looked_at(rows, door, person, token):
    fields, parts = TOKENS[token]
    Credential.unscoped.update(**{name: clock() - HOUR for name in fields})
    browser = rows.browser(Client(raise_request_exception=False), getattr(rows, person))
    visitor = Visitor(browser)
    visitor.look_at_all(door, parts=parts)
    assert visitor.calls == []
    assert visitor.visited > (100 if parts == EVERYTHING else 20)
