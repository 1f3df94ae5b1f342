"""What can be connected: found, told before the click, and asked for where it is missing."""

from html import unescape

import pytest
from django.contrib.staticfiles import finders

from connectors.base import Connector
from connectors.parts import Move
from hub.connections.permissions import held
from hub.notices.models import Notice
from hub.portal.catalogue import matching, offered
from hub.portal.wish import KIND, WISHES_MOST
from tests.hub.portal.counting import queries
from tests.makers import NOON

pytestmark = pytest.mark.django_db


def named(label, *synonyms, kind="Other"):
    connector = Connector()
    connector.key = connector.label = label
    connector.summary, connector.synonyms, connector.categories = "Does things.", synonyms, (kind,)
    connector.moves = (Move("out", "All of it."),)
    return connector


SYSTEMS = [named("Alpha", "crm"), named("Beta", "chat", kind="Talk"), *(named(f"Other {n}") for n in range(60))]


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
    assert [connector.label for connector in matching(SYSTEMS, query)] == found


def test_all_are_there_where_nothing_is_asked():
    assert len(matching(SYSTEMS, "  ")) == 62
    assert [connector.label for connector in matching(SYSTEMS, "", "Talk")] == ["Beta"]


@pytest.mark.parametrize("connector", offered(), ids=lambda connector: connector.key)
def test_every_card_says_before_the_click_what_is_asked_and_what_moves(connector, owner):
    text = unescape(owner.get("/t/acme/catalogue/", {"q": connector.label}).content.decode())
    assert all(move.what in text for move in connector.moves)
    assert finders.find(f"portal/logos/{connector.key}.svg")


def test_a_card_tells_how_it_stands_here(owner, make, acme, outside):
    make.connection(acme, "splunk")
    broken = make.connection(acme, "webhook")
    broken.need_reconnect("unauthorized", now=NOON)
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


def test_an_empty_search_offers_to_request_it_and_staff_see_how_often(owner, somebody, make):
    assert "Request “Notion”" in owner.get("/t/acme/catalogue/?q=Notion").content.decode()
    owner.post("/t/acme/catalogue/request", {"name": "Notion"})
    owner.post("/t/acme/catalogue/request", {"name": " notion "})
    other = somebody(make.tenant("globex", name="Globex"), "member")
    page = other.post("/t/globex/catalogue/request", {"name": "Notion"}, follow=True)
    assert "2 customers have asked by now." in page.content.decode()
    told = list(Notice.unscoped.filter(kind=KIND).order_by("pk").values_list("sentence", flat=True))
    assert told == [
        "Acme Teas asks for “Notion”; 1 tenant has asked.",
        "Globex asks for “Notion”; 2 tenants have asked.",
    ]


def test_nobody_floods_the_staffs_page(owner):
    for number in range(WISHES_MOST + 2):
        owner.post("/t/acme/catalogue/request", {"name": f"System {number}"})
    assert Notice.unscoped.filter(kind=KIND).count() == WISHES_MOST


def test_what_was_granted_is_compared_with_what_is_asked(make, acme):
    connection = make.connection(acme, "slack", permissions=["chat:write", "users:read"])
    granted = {entry.permission.key: entry.granted for entry in held(connection)}
    assert granted["chat:write"] is granted["users:read"] is True
    assert granted["chat:write.public"] is granted["users:read.email"] is False


def test_where_nobody_told_nothing_is_claimed(make, acme):
    assert {entry.granted for entry in held(make.connection(acme, "slack"))} == {None}


@pytest.mark.parametrize("count", [0, 1, 60])
def test_many_connections_cost_no_more_queries(owner, make, acme, count):
    for _ in range(count):
        make.connection(acme)
    _, asked = queries(lambda: owner.get("/t/acme/catalogue/"))
    assert asked == 5
