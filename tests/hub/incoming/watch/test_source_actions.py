"""Customers and programs switch the changes of the hub on and off, and see what they prove."""

from datetime import timedelta

import pytest

from hub.audit.models import AuditRow
from hub.db.clock import clock
from hub.incoming.models import SourceCanary
from hub.incoming.watch.source_actions import CanaryRefused, switch_canary_on
from tests.hub.incoming.watch.canaries import ACTOR, FORBIDDEN, canary, source
from tests.tenants.door import sign_in

__all__ = ["source"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("connector", "object", "words"),
    [
        ("slack", "message", "a message that people see"),
        ("pipedrive", "lead", "needs a person or an organization"),
        ("salesforce", "opportunity", "forecasts"),
        ("salesforce", "order", "a contract"),
    ],
)
def test_where_there_is_none_the_hub_says_why(make, connector, object, words):
    source = make.source(make.connection(connector=connector, account="701", secret={}), object)
    with pytest.raises(CanaryRefused, match=words):
        switch_canary_on(source, ACTOR, now=clock())


def test_a_missing_permission_is_named(make):
    connection = make.connection(
        connector="pipedrive", account="701", secret={}, permissions=["base", "admin"]
    )
    with pytest.raises(CanaryRefused, match="contacts:full"):
        switch_canary_on(make.source(connection, "person"), ACTOR, now=clock())


def test_the_page_of_a_source_counts_the_rounds_of_a_day(make, client, source):
    now = clock()
    rounds = [{"at": (now - timedelta(hours=hour)).isoformat(), "ms": 900} for hour in (30, 3, 2)]
    rounds.append({"at": now.isoformat(), "ms": None})
    switch_canary_on(source, ACTOR, now=now)
    SourceCanary.unscoped.update(rounds=rounds)
    page = show_source(make, client, source)
    assert "In the last 24 hours: 2 heard, 1 not heard in time" in page
    assert page.count('class="info"') >= 3


def test_the_page_of_a_source_says_why_the_hub_makes_no_change_there(make, client):
    slack = make.connection(connector="slack", account="T1", secret={})
    page = show_source(make, client, make.source(slack, "message"))
    assert "would be a message that people see" in page


def show_source(make, client, source):
    make.membership(source.tenant, make.user("eve@acme.test"), "owner")
    sign_in(client, "eve@acme.test")
    path = f"/t/{source.tenant.reference}/webhooks/sources/{source.public_id}/"
    return " ".join(client.get(path).content.decode().split())


def test_switching_it_is_audited(source):
    switch_canary_on(source, ACTOR, minutes=20, now=clock())
    entry = AuditRow.objects.get(verb="source.canary_on")
    assert entry.after == {"minutes": 20}


def test_a_customer_switches_it_on_and_off_on_a_page(make, client, source):
    subscription = make.webhook_subscription(
        source.connection, key="person", event_types=["person.updated"]
    )
    make.membership(source.tenant, make.user("ann@acme.test"), "owner")
    sign_in(client, "ann@acme.test")
    page = f"/t/{source.tenant.reference}/webhooks/{subscription.public_id}/canary_on"
    assert "creates one person named" in client.get(page).content.decode()
    client.post(page, {"minutes": "30"})
    assert (canary().is_on, canary().interval_seconds) == (True, 1800)
    client.post(page.replace("canary_on", "canary_off"))
    assert not canary().is_on


@pytest.fixture
def subscription(make, source):
    return make.webhook_subscription(
        source.connection, key="person", event_types=["person.updated"]
    )


def test_a_program_switches_it_on_and_off(api, subscription, source, set_system_answers):
    url = f"/api/v1/webhook-subscriptions/{subscription.public_id}"
    key = api.of(source.tenant)
    answer = key.post(f"{url}/canary-on", {"minutes": 30}, format="json")
    assert (answer.status_code, answer.json()["source"]) == (202, str(source.public_id))
    assert answer.json()["canary"]["interval_seconds"] == 1800
    assert AuditRow.objects.get(verb="source.canary_on").after == {"minutes": 30}
    SourceCanary.unscoped.update(record="99")
    http = set_system_answers(FORBIDDEN)
    answer = key.post(f"{url}/canary-off")
    assert (answer.status_code, answer.json()["canary"]["on"]) == (200, False)
    assert "Scope" in answer.json()["remaining"] and len(http.requests) == 1


@pytest.mark.parametrize("minutes", [14, 1441, "often"])
def test_an_interval_that_is_not_allowed_is_refused_at_its_field(api, subscription, minutes):
    url = f"/api/v1/webhook-subscriptions/{subscription.public_id}/canary-on"
    answer = api.of(subscription.tenant).post(url, {"minutes": minutes}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/minutes")
    assert not SourceCanary.unscoped.exists()


def test_another_tenants_key_switches_nothing(make, api, subscription):
    url = f"/api/v1/webhook-subscriptions/{subscription.public_id}"
    for action in ("canary-on", "canary-off"):
        answer = api.of(make.tenant()).post(f"{url}/{action}", {"minutes": 60}, format="json")
        assert answer.status_code == 404
    assert not SourceCanary.unscoped.exists()


def test_a_program_reads_why_there_is_none(make, api, source):
    lead = make.source(source.connection, "lead")
    subscription = make.webhook_subscription(
        lead.connection, key="lead", event_types=["lead.created"]
    )
    url = f"/api/v1/webhook-subscriptions/{subscription.public_id}/canary-on"
    answer = api.of(source.tenant).post(url, {"minutes": 60}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-state")
    assert "needs a person or an organization" in answer.json()["detail"]
