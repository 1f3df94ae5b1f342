"""Connections and connectors, listed and read by REST."""

import json
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connectors.http import Scope
from hub.audit import ActorContext
from hub.connections.actions.kill_switches import switch_off
from hub.connections.models import Connection, Credential, KillSwitch, Lane
from hub.connections.quotas.scopes import build_scope_key
from hub.connections.token_lifetimes import Token
from hub.db.clock import clock
from hub.throttle.models import QuotaState as Quota
from tests.factories import MINUTE, NOON
from tests.hub.connections.api.rest import CONNECTIONS, connection_url, summarize_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def slack(make, acme):
    return make.connection(
        acme,
        "slack",
        name="Team chat",
        account="T1",
        account_name="Acme",
        permissions=["chat:write"],
    )


def ids(response):
    assert response.status_code == 200, response.json()
    return [item["id"] for item in response.json()["items"]]


def read_status(client, connection):
    document = client.get(connection_url(connection)).json()
    return document["state"], document["reason"], document["sentence"], document["action"]


# --- the list -------------------------------------------------------------------------------------


def test_a_key_lists_its_tenants_connections_and_a_platform_key_all(make, api, shop, acme):
    connection, other = make.connection(acme), make.connection()
    assert ids(shop.get(CONNECTIONS)) == [str(connection.public_id)]
    assert ids(api.platform().get(CONNECTIONS)) == [str(other.public_id), str(connection.public_id)]
    assert ids(api.platform().get(f"{CONNECTIONS}?tenant=acme")) == [str(connection.public_id)]


def test_the_list_is_filtered(make, shop, acme, slack):
    paused = make.connection(acme, state="paused")
    assert ids(shop.get(f"{CONNECTIONS}?connector=slack")) == [str(slack.public_id)]
    assert ids(shop.get(f"{CONNECTIONS}?state=paused")) == [str(paused.public_id)]
    assert ids(shop.get(f"{CONNECTIONS}?state=paused&connector=slack")) == []


@pytest.mark.parametrize(
    "query", ["state=well", "connector=fax", "colour=red", "limit=0", "after=x", "state=a&state=b"]
)
def test_a_strange_filter_is_refused(shop, query):
    name = query.partition("=")[0]
    assert summarize_problem(shop.get(f"{CONNECTIONS}?{query}")) == (
        400,
        "validation-failed",
        [f"/{name}"],
    )


def test_pages_lead_to_each_other(make, shop, acme):
    rows = [make.connection(acme) for _ in range(3)]
    first = shop.get(f"{CONNECTIONS}?limit=2")
    second = shop.get("{0.path}?{0.query}".format(urlsplit(first.json()["next"])))
    assert ids(first) + ids(second) == [str(row.public_id) for row in reversed(rows)]
    assert second.json()["next"] is None and second.json()["prev"]


def test_a_connector_of_another_release_is_not_listed(make, shop, acme):
    row = make.connection(acme)
    Connection.unscoped.update(connector_key="telex")
    assert ids(shop.get(CONNECTIONS)) == []
    assert shop.get(connection_url(row)).status_code == 404


# --- one ------------------------------------------------------------------------------------------


def test_one_is_read_with_its_account_permissions_and_page(shop, slack):
    document = shop.get(connection_url(slack)).json()
    assert (document["account"], document["tenant"]) == ({"id": "T1", "name": "Acme"}, "acme")
    assert {"key": "chat:write", "optional": False, "granted": True}.items() <= document[
        "permissions"
    ][0].items()
    assert document["missing_permissions"] == slack.missing_permissions
    assert document["links"]["page"] == f"https://hub.test/t/acme/connections/{slack.public_id}/"


def test_why_it_does_not_work_is_said_with_what_to_do(shop, slack):
    slack.mark_needs_reconnect("invalid_grant", "token_revoked", now=NOON)
    sentence = "The other system reports that the authorization has expired or was revoked."
    assert read_status(shop, slack) == (
        "needs_reconnect",
        "invalid_grant",
        sentence,
        "Reconnect the account.",
    )
    document = shop.get(connection_url(slack)).json()
    assert (document["detail"], document["state_changed_at"]) == (
        "token_revoked",
        "2026-11-25T12:00:00Z",
    )


def test_what_stops_it_from_above_comes_first(shop, slack):
    slack.pause("they move", until=None, now=NOON)
    switch_off(
        KillSwitch(scope="connector", connector_key="slack", reason="their API fails"),
        ActorContext.system(),
        now=NOON,
    )
    document = shop.get(connection_url(slack)).json()
    assert (document["state"], document["reason"], document["detail"]) == (
        "paused",
        "switched_off",
        "their API fails",
    )
    assert [switch["scope"] for switch in document["switches"]] == ["connector"]


def test_a_list_tells_what_was_typed_at_each_switch_in_one_statement(make, acme, shop, slack):
    others = [make.connection(acme) for _ in range(3)]
    switch_off(
        KillSwitch(scope="tenant", tenant=acme, reason="stocktaking"),
        ActorContext.system(),
        now=NOON,
    )
    with CaptureQueriesContext(database) as queries:
        rows = shop.get("/api/v1/connections").json()["items"]
    assert {(row["reason"], row["detail"]) for row in rows} == {("switched_off", "stocktaking")}
    assert len(rows) == len(others) + 1
    assert len([query for query in queries if 'FROM "connections_killswitch"' in query["sql"]]) == 1


def test_switches_of_other_tenants_are_not_shown(make, shop, slack):
    for scope, thing in (
        ("connector", {"connector_key": "splunk"}),
        ("tenant", {"tenant": make.tenant()}),
    ):
        switch_off(
            KillSwitch(scope=scope, reason="they fail", **thing), ActorContext.system(), now=NOON
        )
    assert shop.get(connection_url(slack)).json()["switches"] == []


def test_maintenance_says_until_when(make, shop, slack):
    now = clock()
    make.maintenance(slack, starts_at=now - MINUTE, ends_at=now + MINUTE)
    Lane.unscoped.update(hold_reason="maintenance")
    document = shop.get(connection_url(slack)).json()
    assert document["reason"] == "maintenance" and document["until"]


def test_what_waits_is_counted_and_how_long_it_takes(make, shop, slack):
    make.delivery(slack)
    make.delivery(slack)
    waiting = shop.get(connection_url(slack)).json()["waiting"]
    assert (waiting["count"], waiting["more"], waiting["oldest"]) == (
        2,
        False,
        "2026-11-25T12:00:00Z",
    )
    assert waiting["seconds"] >= 1


def test_of_a_token_only_its_expiry_is_shown(shop, slack):
    token = Token(
        NOON, expires_at=NOON + timedelta(hours=12), refresh_due_at=NOON + timedelta(hours=9)
    )
    Credential.unscoped.update(
        token_lifetimes={"": token.to_json()}, refresh_due_at=token.refresh_due_at
    )
    response = shop.get(connection_url(slack))
    assert response.json()["token"] == {
        "given_at": "2026-11-25T12:00:00Z",
        "expires_at": "2026-11-26T00:00:00Z",
        "refresh_due_at": "2026-11-25T21:00:00Z",
        "refresh_failures": 0,
    }
    assert "xoxb" not in response.content.decode()


def test_what_never_ends_has_no_token(make, shop, acme):
    assert shop.get(connection_url(make.connection(acme))).json()["token"] is None


def create_quota(connection, kind):
    return Quota.objects.create(
        key=build_scope_key(connection, Scope(kind)),
        connector_key=connection.connector_key,
        kind=kind,
    )


def test_quotas_that_its_calls_spend_are_gauges(make, shop, acme):
    splunk = make.connection(acme, "splunk")
    create_quota(splunk, "connection")
    (quota,) = shop.get(connection_url(splunk)).json()["quotas"]
    assert (quota["kind"], quota["limit"], quota["free_at"]) == ("connection", 20, None)


def test_a_quota_of_the_whole_app_is_the_platforms_to_see(make, api, shop, acme):
    row = make.connection(acme, "pipedrive", secret={})
    create_quota(row, "app")
    kinds = [quota["kind"] for quota in api.platform().get(connection_url(row)).json()["quotas"]]
    assert shop.get(connection_url(row)).json()["quotas"] == []
    assert set(kinds) <= {"app"}


def test_the_platforms_own_connection_is_the_platforms_to_see(make, api, shop):
    row = make.connection(connector="app")
    document = api.platform().get(connection_url(row)).json()
    assert (document["tenant"], document["links"]["page"]) == (None, None)
    assert shop.get(connection_url(row)).status_code == 404


def test_secrets_are_nowhere(make, shop, acme):
    canary = "canary-7d1f-never-shown"
    row = make.connection(
        acme, secret={"signing_secret": canary}, settings={"url": "https://x.test/", "old": canary}
    )
    for url in (connection_url(row), CONNECTIONS):
        assert canary not in shop.get(url).content.decode()
    assert shop.get(connection_url(row)).json()["settings"] == {"url": "https://x.test/"}


@pytest.mark.parametrize("count", [1, 30])
def test_more_rows_cost_no_more_queries(make, shop, acme, count):
    rows = [make.connection(acme, "splunk", account=f"a{number}") for number in range(count)]
    for _ in range(count):
        make.delivery(rows[0], action="send_event")
    assert (count_queries(shop, CONNECTIONS), count_queries(shop, connection_url(rows[0]))) == (
        2,
        9,
    )


def count_queries(client, url):
    client.get(url)  # that the key is used is noted once a minute
    with CaptureQueriesContext(database) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


# --- connectors -----------------------------------------------------------------------------------


def test_connectors_tell_what_they_ask_and_what_is_filled_in(make, shop, django_assert_num_queries):
    make.app("slack", {"client_id": "id", "client_secret": "a client secret"})
    shop.get("/api/v1/connectors")
    with django_assert_num_queries(2):
        items = {item["key"]: item for item in shop.get("/api/v1/connectors").json()["items"]}
    assert "app" not in items
    assert (items["slack"]["needs_oauth"], items["slack"]["set_up"], items["slack"]["fill_in"]) == (
        True,
        True,
        [],
    )
    assert "chat:write" in [
        permission["key"] for permission in items["slack"]["requested_permissions"]
    ]
    assert items["salesforce"]["set_up"] is False
    fields = {field["key"]: field for field in items["splunk"]["fill_in"]}
    assert (fields["token"]["secret"], fields["use_ack"]["kind"]) == (True, "flag")
    assert "a client secret" not in json.dumps(items)
