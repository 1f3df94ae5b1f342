"""What can be connected: found, told before the click, and asked for where it is missing."""

from html import unescape
from time import thread_time

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from connectors.base import Connector
from connectors.schema import DataFlow
from hub.connections.connecting.connector_requests import REQUESTS_MAX, ConnectorDemand
from hub.connections.status.connector_permissions import list_permission_statuses
from hub.portal.catalogue import build_entries, filter_connectors, list_offered_connectors
from tenants.access.tenant_users import TenantUser
from tenants.models import Tenant, User
from tests.factories import NOON
from tests.hub.portal.query_counts import load_counting_queries
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db


def build_connector(label, *synonyms, kind="Other"):
    connector = Connector()
    connector.key = connector.label = label
    connector.summary, connector.synonyms, connector.categories = "Does things.", synonyms, (kind,)
    connector.data_flows = (DataFlow("out", "All of it."),)
    return connector


SYSTEMS = [
    build_connector("Alpha", "crm"),
    build_connector("Beta", "chat", kind="Talk"),
    *(build_connector(f"Other {n}") for n in range(60)),
]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("alpha", ["Alpha"]),
        ("CRM", ["Alpha"]),
        ("talk", ["Beta"]),
        ("does beta", ["Beta"]),
        ("gamma", []),
    ],
)
def test_it_is_found_by_name_synonym_kind_and_what_it_does(query, found):
    assert [connector.label for connector in filter_connectors(SYSTEMS, query)] == found


def test_all_are_there_where_nothing_is_asked():
    assert len(filter_connectors(SYSTEMS, "  ")) == 62
    assert [connector.label for connector in filter_connectors(SYSTEMS, "", "Talk")] == ["Beta"]


@pytest.mark.parametrize(
    "connector", list_offered_connectors(), ids=lambda connector: connector.key
)
def test_every_card_says_before_the_click_what_is_asked_and_what_moves(connector, owner):
    text = unescape(owner.get("/t/acme/catalogue/", {"q": connector.label}).content.decode())
    assert all(move.description in text for move in connector.data_flows)
    assert finders.find(f"portal/logos/{connector.key}.svg")


def test_a_card_tells_how_it_stands_here(owner, make, acme, outside):
    make.connection(acme, "splunk")
    broken = make.connection(acme, "webhook")
    broken.mark_needs_reconnect("unauthorized", now=NOON)
    text = owner.get("/t/acme/catalogue/").content.decode()
    for word in ("connected", "needs attention", "available"):
        assert f"</svg>{word}</span>" in text


def test_where_we_are_not_registered_it_says_so_and_offers_no_way_in(owner):
    text = owner.get("/t/acme/catalogue/?q=slack").content.decode()
    assert "not set up yet" in text and "/connect/slack/" not in text


def test_the_search_stays_in_the_address_and_works_without_a_script(owner):
    text = owner.get("/t/acme/catalogue/?q=webhook").content.decode()
    assert 'name="q" value="webhook"' in text
    assert "/connect/webhook/" in text and "/connect/splunk/" not in text


def test_an_empty_search_offers_to_request_it_and_tells_how_many_asked(owner, open_browser, make):
    assert "Request “Notion”" in owner.get("/t/acme/catalogue/?q=Notion").content.decode()
    page = owner.post("/t/acme/catalogue/request", {"name": "Notion"}, follow=True).content.decode()
    assert "You have requested it." in page and "Request “Notion”" not in page
    other = open_browser(make.tenant("globex", name="Globex"), "member")
    assert (
        "1 customer has requested it."
        in other.get("/t/globex/catalogue/?q=notion").content.decode()
    )
    page = other.post(
        "/t/globex/catalogue/request", {"name": "Notion"}, follow=True
    ).content.decode()
    assert (
        "2 customers have requested it." in page
        and "2 customers have requested it, including you." in page
    )


@pytest.mark.parametrize("page", ["/t/acme/catalogue/?q=slack", "/t/acme/connect/slack/"])
def test_what_is_not_set_up_yet_is_asked_for_where_it_stands(owner, member, page):
    assert "Request “Slack”" in owner.get(page).content.decode()
    owner.post("/t/acme/catalogue/request", {"name": "Slack"})
    for person in (owner, member):
        assert "You have requested it." in unescape(person.get(page).content.decode())


@pytest.mark.parametrize("name", ["", "  ", "\0", "Noti\0on"])
def test_a_strange_name_does_no_harm(owner, name):
    assert owner.post("/t/acme/catalogue/request", {"name": name}, follow=True).status_code == 200
    assert owner.get("/t/acme/catalogue/", {"q": name}).status_code == 200


def test_a_kind_in_which_nothing_is_found_leads_to_the_others(owner):
    text = owner.get("/t/acme/catalogue/?q=slack&category=Logs").content.decode()
    assert "Search for “slack” in all categories" in text and "Request “slack”" not in text


def test_too_many_requests_are_refused_with_a_reason(owner):
    for number in range(REQUESTS_MAX):
        owner.post("/t/acme/catalogue/request", {"name": f"System {number}"})
    page = owner.post("/t/acme/catalogue/request", {"name": "One more"}, follow=True)
    assert "You have already requested many systems" in page.content.decode()


def test_a_card_says_who_may_connect_it_and_members_whom_to_ask(owner, member):
    mine, theirs = (
        normalize_markup(person.get("/t/acme/catalogue/").content.decode())
        for person in (owner, member)
    )
    assert "You, the owners and admins of your organisation" in mine
    assert (
        "Owners and admins of your organisation" in theirs
        and "Ask one of them: person1@example.com" in theirs
    )
    assert "Ask a colleague" in mine and "Ask a colleague" not in theirs


@pytest.mark.parametrize("count", [0, 1, 60, 200])
def test_any_number_of_systems_is_shown(rf, count):
    systems = [build_connector(f"other-{number}") for number in range(count)]
    entries = build_entries(
        systems, [], {systems[0].key} if count else set(), {"other-1": ConnectorDemand(3, False)}
    )
    here = TenantUser(Tenant(reference="acme"), "owner", User(email="ann@acme.test"))
    context = {
        "tenant_user": here,
        "entries": [(entry, None) for entry in entries],
        "asked": ConnectorDemand(),
        "query": "x",
    }
    text = render_to_string("portal/catalogue.html", context, request=rf.get("/t/acme/catalogue/"))
    assert text.count('<article class="card">') == count
    assert ("No system matches “x”" in text) == (count == 0)
    assert ("3 customers have requested it." in text) == (count > 1)


def test_two_hundred_systems_are_searched_in_no_time():
    connectors = [build_connector(f"Other {number}", "crm") for number in range(200)]
    started_at = thread_time()
    found = filter_connectors(connectors, "does crm other")
    assert thread_time() - started_at < 0.1  # seconds; it takes a tenth of it
    assert found == connectors


def test_what_was_granted_is_compared_with_what_is_asked(make, acme):
    connection = make.connection(acme, "slack", permissions=["chat:write", "users:read"])
    granted = {
        entry.permission.key: entry.granted for entry in list_permission_statuses(connection)
    }
    assert granted["chat:write"] is granted["users:read"] is True
    assert granted["chat:write.public"] is granted["users:read.email"] is False


def test_without_data_nothing_is_claimed(make, acme):
    assert {
        entry.granted for entry in list_permission_statuses(make.connection(acme, "slack"))
    } == {None}


@pytest.mark.parametrize("count", [0, 1, 60])
def test_many_connections_cost_no_more_queries(owner, make, acme, count):
    for _ in range(count):
        make.connection(acme)
    page, asked = load_counting_queries(lambda: owner.get("/t/acme/catalogue/"))
    assert asked == 9
    assert ("and 55 more" in page.content.decode()) == (count == 60)
