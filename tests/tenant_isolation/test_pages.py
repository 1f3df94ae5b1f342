"""Isolation of tenants on every page below /t/<tenant>/; a new address needs a line in ROUTES."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import get_resolver

from tests.hub.outgoing.operating import planned, put
from tests.tenant_isolation.api.routes import patterns, rows
from tests.tenants.door import come_as_guest, sign_in

pytestmark = pytest.mark.django_db

BELOW = "t/<str:tenant>/"

# Each address below /t/<tenant>/, and the row that its id stands for.
ROUTES = {
    "members/": None,
    "members/invite": None,
    "members/<uuid:id>/<slug:verb>": "membership",
    "members/invitations/<uuid:id>/<slug:verb>": "invitation",
    "": None,
    "changes/": None,
    "upcoming/": None,
    "search/": None,
    "catalogue/": None,
    "catalogue/request": None,
    "connect/<slug:connector>/": None,
    "connect/<slug:connector>/fill-in/": None,
    "connect/<slug:connector>/authorize": None,
    "connect/waiting/<uuid:id>/forget": "authorization",
    "connections/<uuid:id>/": "connection",
    "connections/<uuid:id>/connected/": "connection",
    "connections/<uuid:id>/test/progress/": "connection",
    "connections/<uuid:id>/schema/": "connection",
    "connections/<uuid:id>/schema/<slug:verb>": "schema",
    "connections/<uuid:id>/<slug:verb>": "connection",
    "connections/<uuid:id>/reconnect/": "connection",
    "connections/<uuid:id>/identities/": "connection",
    "connections/<uuid:id>/identities/review/": "connection",
    "connections/<uuid:id>/identities/review/reads": "connection",
    "connections/<uuid:id>/identities/review/<slug:verb>": "connection",
    "connections/<uuid:id>/identities/export.csv": "connection",
    "connections/<uuid:id>/identities/import/": "connection",
    "connections/<uuid:id>/identities/fallbacks/": "connection",
    "connections/<uuid:id>/identities/fallbacks/remove": "connection",
    "connections/<uuid:id>/identities/say/": "connection",
    "connections/<uuid:id>/identities/remove/": "connection",
    "connections/<uuid:id>/notifications/": "connection",
    "connections/<uuid:id>/disconnect/": "connection",
    "settings/": None,
    "settings/support/": None,
    "events/": None,
    "events/new": None,
    "events/export.<slug:kind>": None,
    "events/views": None,
    "events/views/<uuid:id>/remove": "saved_view",
    "events/<uuid:id>/": "event",
    "events/incoming/": None,
    "events/incoming/<uuid:id>/": "inbound_item",
    "events/incoming/<uuid:id>/<slug:verb>": "inbound_item",
    "webhooks/": None,
    "webhooks/sources/<uuid:id>/": "source",
    "webhooks/sources/<uuid:id>/<slug:verb>": "source",
    "webhooks/gaps/<uuid:id>/": "gap",
    "webhooks/gaps/<uuid:id>/live": "gap",
    "webhooks/gaps/<uuid:id>/<slug:verb>": "gap",
    "webhooks/<uuid:id>/<slug:verb>": "webhook_subscription",
    "deliveries/<uuid:id>/": "delivery",
    "deliveries/<uuid:id>/live": "delivery",
    "deliveries/<uuid:id>/<slug:verb>": "delivery",
    "mappings/": None,
    "mappings/<uuid:id>/": "mapping",
    "mappings/<uuid:id>/edit": "mapping",
    "mappings/<uuid:id>/copy": "mapping",
    "mappings/<uuid:id>/versions/": "mapping",
    "mappings/<uuid:id>/<slug:verb>": "mapping",
    "integrations/": None,
    "integrations/new/<slug:key>/": None,
    "integrations/<uuid:id>/": "integration",
    "integrations/<uuid:id>/answers/": "integration",
    "integrations/<uuid:id>/upgrade/": "integration",
    "integrations/<uuid:id>/<slug:verb>": "integration",
    "jobs/": None,
    "jobs/add": None,
    "jobs/<uuid:id>/": "job",
    "jobs/<uuid:id>/change": "job",
    "jobs/<uuid:id>/<slug:verb>": "job",
    "runs/": None,
    "runs/night/": None,
    "runs/<uuid:id>/": "run",
    "runs/<uuid:id>/live": "run",
    "runs/<uuid:id>/<slug:verb>": "run",
    "discrepancies/": None,
    "discrepancies/<uuid:id>/": "discrepancy",
    "discrepancies/repairs": None,
    "logs/": None,
    "logs/live": None,
    "discrepancies/<uuid:id>/<slug:verb>": "discrepancy",
    "runs/<uuid:id>/certificate.<slug:kind>": "finished_run",
    "operations/plan": None,
    "operations/<uuid:id>/": "operation",
    "operations/<uuid:id>/live": "operation",
    "operations/<uuid:id>/<slug:verb>": "operation",
    "endpoints/": None,
    "endpoints/add": None,
    "endpoints/<uuid:id>/": "endpoint",
    "endpoints/<uuid:id>/events": "endpoint",
    "endpoints/<uuid:id>/match": "endpoint",
    "endpoints/<uuid:id>/headers": "endpoint",
    "endpoints/<uuid:id>/pace": "endpoint",
    "endpoints/<uuid:id>/recover": "endpoint",
    "endpoints/<uuid:id>/<slug:verb>": "endpoint",
    "links/": None,
    "links/<uuid:id>/<slug:verb>": "connect_link",
}
VERBS = {
    "delivery": "retry",
    "job": "disable",
    "integration": "pause",
    "run": "cancel",
    "operation": "confirm",
    "discrepancy": "ignore",
    "webhook_subscription": "repair",
    "inbound_item": "replay",
    "source": "read_missed",
    "gap": "cancel",
    "connection": "pause",
    "schema": "check",
    "endpoint": "test_event",
    "mapping": "restore",
    "membership": "change_role",
    "invitation": "revoke",
    "connect_link": "revoke",
}  # one of those that an address may name
SAID = {
    "role": "owner",
    "email": "me@evil.test",
    "name": "mine",
    "reason": "mine",
    "sure": "on",
    "what_waits": "cancel",
    "types": "*",
    "kind": "cancel",
    "scope": "missing",
    "hours": "24",
    "query": "state=failed",
}


@pytest.fixture
def acme(make):
    """Everything that a tenant's pages show, with names that are seen nowhere else."""
    tenant = make.tenant("acme-only", name="Only Acme")
    make.membership(tenant, make.user("owner@only.test"), "owner")
    return tenant


@pytest.fixture
def address(make, acme):
    makers = {
        "membership": lambda: make.membership(acme, make.user("ann@only.test")),
        "invitation": lambda: make.invitation(acme, "bob@only.test"),
        "connection": lambda: make.connection(acme, name="only Acme's connection"),
        "schema": lambda: make.connection(acme, "salesforce", name="only Acme's connection"),
        "event": lambda: make.event(acme),
        "inbound_item": lambda: make.inbound_item(make.connection(acme), record="only-theirs"),
        "source": lambda: make.source(make.connection(acme, name="only Acme's connection")),
        "gap": lambda: make.gap(
            make.source(make.connection(acme, name="only Acme's connection")), detail="only theirs"
        ),
        "webhook_subscription": lambda: make.webhook_subscription(make.connection(acme)),
        "delivery": lambda: put([make.delivery(make.connection(acme))], "failed", "exhausted")[0],
        "discrepancy": lambda: make.discrepancy(make.connection(acme), record_key="only-theirs"),
        "mapping": lambda: make.mapping(acme),
        "job": lambda: make.job(acme, name="only their job"),
        "integration": lambda: make.integration(acme, answer_names={"channel": "#only-theirs"}),
        "run": lambda: make.run(make.job(acme, name="only their job")),
        "finished_run": lambda: make.finished_run(make.job(acme)),
        "operation": lambda: make.delivery(make.connection(acme)) and planned("cancel", acme),
        "saved_view": lambda: make.saved_view(acme, "only theirs"),
        "connect_link": lambda: make.connect_link(acme),
        "authorization": lambda: make.authorization(acme),
        "endpoint": lambda: make.connection(acme, name="only their endpoint"),
    }

    def address(route, tenant="acme-only"):
        kind = ROUTES[route]
        row = makers[kind]() if kind else None
        route = route.replace("<slug:connector>", "webhook").replace("<slug:kind>", "csv")
        route = route.replace("<slug:verb>", VERBS.get(kind, ""))
        route = route.replace("<slug:key>", "order_to_slack")
        return f"/t/{tenant}/" + (route.replace("<uuid:id>", str(row.public_id)) if row else route)

    return address


@pytest.fixture
def people(make, acme):
    """Who must not come in, and how they are answered."""
    elsewhere = make.membership(make.tenant("globex"), make.user("me@evil.test"), "owner").user
    superuser = make.staff(is_superuser=True)  # staff have pages of their own
    return {
        elsewhere: 404,
        make.user("nobody@evil.test"): 404,
        superuser: 404,
        AnonymousUser(): 302,
    }


def test_every_page_has_a_line():
    routes = {
        route.removeprefix(BELOW) for route in patterns(get_resolver()) if route.startswith(BELOW)
    }
    assert routes == set(ROUTES)


@pytest.mark.parametrize("route", ROUTES)
def test_a_stranger_sees_and_does_nothing(client, address, people, route):
    url = address(route)
    before = rows()
    for person, status in people.items():
        client.logout()
        if person.is_authenticated:
            client.force_login(person)
        for answer in (client.get(url), client.post(url, SAID)):
            assert answer.status_code in (status, 405), (person, url)
            assert "only" not in (answer.content.decode() + str(answer.headers)).lower().replace(
                url, ""
            )
    assert drop_last_logins(rows()) == drop_last_logins(before)


@pytest.mark.parametrize("route", ROUTES)
def test_no_page_is_stored_for_any_reader(client, make, acme, address, route):
    url = address(route)
    sign_in(client, "owner@only.test")
    for browser in (client, Client()):
        for path in (url, url.replace("acme-only", "nobody")):
            assert "no-store" in browser.get(path).headers["Cache-Control"]
        assert "no-store" in browser.post(url, SAID).headers["Cache-Control"]


@pytest.mark.parametrize("route", ROUTES)
def test_a_guest_sees_and_does_nothing_at_another_tenant(client, make, address, route):
    url = address(route)
    come_as_guest(client, make.portal_link(make.tenant("globex")))
    before = rows()
    for answer in (client.get(url), client.post(url, SAID)):
        assert answer.status_code in (404, 405)
    assert rows() == before


@pytest.mark.parametrize("route", ROUTES)
def test_a_guest_of_the_tenant_meets_no_page_that_needs_a_person(
    client, make, acme, address, route
):
    url = address(route)
    come_as_guest(client, make.portal_link(acme))
    for answer in (client.get(url), client.post(url, SAID)):
        assert answer.status_code < 500 and not answer.headers.get("Location", "").startswith(
            "/accounts/"
        )


@pytest.mark.parametrize("route", ROUTES)
def test_who_comes_by_a_connect_link_sees_no_page_of_the_tenant(client, make, acme, address, route):
    url = address(route)
    client.post(f"/connect/link/{make.connect_link(acme).token}/")
    before = rows()
    for answer in (client.get(url), client.post(url, SAID)):
        assert answer.status_code in (302, 405) and answer.headers.get(
            "Location", "/accounts/"
        ).startswith("/accounts/")
    assert rows() == before


def drop_last_logins(kept):
    """That somebody signed in may be noted."""
    return {model: [drop_last_login(row) for row in found] for model, found in kept.items()}


def drop_last_login(row):
    return {name: value for name, value in row.items() if name != "last_login"}


@pytest.mark.parametrize("route", [route for route, kind in ROUTES.items() if kind])
def test_an_owner_elsewhere_reaches_no_row_by_their_own_address(client, address, people, route):
    url = address(route, tenant="globex")
    sign_in(client, "me@evil.test")  # just now, so that nothing asks who it is first
    before = drop_last_logins(rows())
    for answer in (client.get(url), client.post(url, SAID)):
        assert answer.status_code in (404, 405)
    assert drop_last_logins(rows()) == before
