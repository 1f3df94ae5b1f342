"""The hub changes a record of its own, waits for its webhook, and publishes nothing of it."""

import json
from base64 import b64encode
from datetime import timedelta

import pytest

from connectors.http import Response
from hub.audit import ActorContext
from hub.audit.models import AuditRow
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.credentials.revoke import attempt_revocation
from hub.connections.models import Revocation
from hub.db.clock import clock
from hub.incoming.models import InboundGap, InboundItem, InboundSource, SourceCanary, WebhookAddress
from hub.incoming.tasks import listen_to_sources
from hub.incoming.watch.canary_calls import CanaryContext, handle_due_canaries
from hub.incoming.watch.silence_watch import judge_due_sources, wake_due_sources
from hub.incoming.watch.source_actions import (
    CANARY_ACTIONS,
    CanaryRefused,
    switch_canary_off,
    switch_canary_on,
)
from hub.notices.models import Notice
from hub.outgoing.models import Event
from hub.queue import WakeUp
from hub.rest.actions import ProviderCallView
from tests.fakes import FakeHttp
from tests.hub.incoming.webhook_posts import endpoint_of, local_path, run_inbox
from tests.tenants.door import sign_in

pytestmark = pytest.mark.django_db(transaction=True)

ACTOR = ActorContext.system()
CREATED = Response(201, b'{"success": true, "data": {"id": 99}}')
GONE = Response(404, b'{"success": false, "error": "Person not found"}')
FORBIDDEN = Response(403, b'{"success": false, "error": "Scope and URL mismatch"}')
REMOVED = Response(200, b'{"success": true, "data": {"id": 99}}')
MARK = "Integration Hub check token-1"


@pytest.fixture
def source(make):
    connection = make.connection(connector="pipedrive", account="701", secret={"access_token": "p"})
    return make.source(connection, "person", heard_at=clock() - timedelta(hours=1))


def send(http, *, at=None):
    numbers = iter(range(1, 10))
    now = at or clock()
    handle_due_canaries(
        CanaryContext(http.call, lambda: now, lambda: f"token-{next(numbers)}", lambda: False)
    )


def post(client, source, *, name=MARK, record=99, action="change"):
    endpoint = endpoint_of(source.connection)
    document = {
        "meta": {
            "action": action,
            "entity": "person",
            "entity_id": str(record),
            "company_id": "701",
            "user_id": "7",
            "id": f"{action}-{name}-{record}",
            "timestamp": clock().isoformat(),
        },
        "data": None if action == "delete" else {"id": record, "name": name, "custom_fields": {}},
        "previous": {"name": "before"},
    }
    secret = endpoint.open()["secrets"][0]["secret"]
    headers = {"Authorization": "Basic " + b64encode(secret.encode()).decode()}
    path, body = local_path(endpoint), json.dumps(document)
    assert (
        client.post(path, body, content_type="application/json", headers=headers).status_code == 200
    )
    run_inbox()


def canary():
    return SourceCanary.unscoped.select_related("source").get()


def test_a_canary_is_off_until_a_person_switches_it_on(source):
    http = FakeHttp(CREATED)
    send(http)
    assert http.requests == []
    switch_canary_on(source, ACTOR, minutes=30, now=clock())
    send(http)
    (request,) = http.requests
    assert (request.method, request.json) == ("POST", {"name": MARK})
    assert (canary().record, canary().state, canary().interval_seconds) == ("99", "waiting", 1800)


def test_its_webhook_is_a_proof_and_no_event(client, source):
    switch_canary_on(source, ACTOR, now=clock())
    send(FakeHttp(CREATED))
    post(client, source)
    item = InboundItem.unscoped.get()
    assert (item.state, item.reason, canary().state) == ("echo", "canary", "idle")
    send(FakeHttp(CREATED))
    assert canary().source.canary_heard_at == canary().heard_at == item.received_at
    assert canary().due_at >= item.received_at + timedelta(hours=1)
    assert canary().round_trip_ms >= 0
    assert not Event.unscoped.exists()


def test_the_next_one_changes_the_same_record(client, source):
    switch_canary_on(source, ACTOR, now=clock())
    send(FakeHttp(CREATED))
    post(client, source)
    send(FakeHttp(CREATED))
    http = FakeHttp(CREATED)
    send(http, at=clock() + timedelta(days=1))
    (request,) = http.requests
    assert request.method == "PATCH" and request.url.endswith("/api/v2/persons/99")


def test_a_webhook_before_the_answer_is_recognized_by_its_mark(client, source):
    switch_canary_on(source, ACTOR, now=clock())

    def answer(request):
        post(client, source, action="create")
        return CREATED

    send(FakeHttp(answer))
    assert (canary().state, canary().record) == ("idle", "99")
    assert not Event.unscoped.exists()


def test_what_people_change_is_published_beside_it(client, source):
    switch_canary_on(source, ACTOR, now=clock())
    send(FakeHttp(CREATED))
    post(client, source, name="Ann Able", record=31)
    post(client, source, name="Integration Hub check guessed", record=32)
    assert [item.state for item in InboundItem.unscoped.all()] == ["processed", "processed"]
    assert canary().state == "waiting"


def test_an_old_mark_proves_nothing(client, source):
    switch_canary_on(source, ACTOR, now=clock())
    send(FakeHttp(CREATED))
    SourceCanary.unscoped.update(mark="Integration Hub check token-2")
    post(client, source)
    assert (InboundItem.unscoped.get().reason, canary().state) == ("canary", "waiting")


def test_two_that_are_not_heard_in_a_row_are_an_alarm(source):
    now = clock()
    switch_canary_on(source, ACTOR, now=now)
    http = FakeHttp(CREATED)
    for minutes in (0, 3, 6):
        assert not InboundGap.unscoped.exists()
        send(http, at=now + timedelta(minutes=minutes))
    assert len(http.requests) == 2
    gap = InboundGap.unscoped.get()
    assert (gap.cause, gap.from_at) == ("canary", source.heard_at - timedelta(minutes=2))
    source.refresh_from_db()
    assert (source.state, source.reason, source.connection.state) == (
        "silent",
        "canary_late",
        "silent",
    )


def test_a_canary_that_is_heard_again_ends_the_alarm(client, source):
    test_two_that_are_not_heard_in_a_row_are_an_alarm(source)
    InboundSource.unscoped.update(state_changed_at=clock() - timedelta(minutes=1))
    SourceCanary.unscoped.update(mark=MARK)
    post(client, source)
    send(FakeHttp(CREATED))
    wake_due_sources(now=clock())
    assert WakeUp.objects.filter(name="listen").exists()
    judge_due_sources(now=clock())
    source.refresh_from_db()
    assert (source.state, source.connection.state) == ("listening", "healthy")
    assert InboundGap.unscoped.get().state == "due"


@pytest.mark.parametrize("column", ["heard_at", "retired_at"])
def test_an_alarm_of_a_canary_that_is_off_ends_with_any_event_or_the_last_route(source, column):
    test_two_that_are_not_heard_in_a_row_are_an_alarm(source)
    SourceCanary.unscoped.update(is_on=False, due_at=None)
    wake_due_sources(now=clock())
    assert not WakeUp.objects.filter(name="listen").exists()
    at = clock()
    InboundSource.unscoped.update(state_changed_at=at - timedelta(minutes=1), **{column: at})
    wake_due_sources(now=at)
    assert WakeUp.objects.filter(name="listen").exists()
    judge_due_sources(now=at)
    source.refresh_from_db()
    assert (source.state, source.connection.state) == ("listening", "healthy")


def test_a_record_that_is_gone_is_made_anew(source):
    switch_canary_on(source, ACTOR, now=clock())
    SourceCanary.unscoped.update(record="98")
    send(FakeHttp(GONE))
    assert canary().record == ""
    http = FakeHttp(CREATED)
    send(http, at=clock() + timedelta(minutes=1))  # the account's pace spaces its calls
    assert (http.requests[0].method, canary().record) == ("POST", "99")


def test_three_refusals_switch_it_off(source):
    now = clock()
    switch_canary_on(source, ACTOR, now=now)
    for days in range(3):
        assert canary().is_on
        send(FakeHttp(FORBIDDEN), at=now + timedelta(days=days))
    assert (canary().is_on, canary().state, canary().due_at) == (False, "refused", None)
    notice = Notice.unscoped.get(kind="canary_refused")
    assert "refused the change three times" in notice.sentence
    switch_canary_on(source, ACTOR, now=clock())
    notice.refresh_from_db()
    assert notice.resolved_at is not None


def test_an_outage_of_the_system_is_no_refusal(source):
    now = clock()
    switch_canary_on(source, ACTOR, now=now)
    for minutes in (0, 10, 20, 30):
        send(FakeHttp(Response(503)), at=now + timedelta(minutes=minutes))
    assert (canary().is_on, canary().state) == (True, "idle")


def test_nothing_is_written_while_the_connection_is_held(source):
    now = clock()
    source.connection.pause("holidays", until=None, now=now)
    switch_canary_on(source, ACTOR, now=now)
    http = FakeHttp(CREATED)
    send(http)
    assert http.requests == []
    assert canary().due_at > now + timedelta(minutes=4)


def test_a_copy_of_an_installation_writes_nothing(source):
    switch_canary_on(source, ACTOR, now=clock())
    WebhookAddress.objects.create(pk=1, public_url="https://original.example", changed_at=clock())
    listen_to_sources("listen")
    assert canary().sent_at is None


def test_off_deletes_the_record_and_its_deletion_is_no_event(client, source):
    switch_canary_on(source, ACTOR, now=clock())
    send(FakeHttp(CREATED))
    http = FakeHttp(REMOVED)
    assert switch_canary_off(source, ACTOR, call=http.call, now=clock()) == ""
    (request,) = http.requests
    assert request.method == "DELETE" and request.url.endswith("/api/v2/persons/99")
    post(client, source, action="delete")
    assert not Event.unscoped.exists()
    send(http, at=clock() + timedelta(days=1))
    assert len(http.requests) == 1


def test_a_record_that_cannot_be_deleted_now_is_deleted_later(source):
    switch_canary_on(source, ACTOR, now=clock())
    SourceCanary.unscoped.update(record="99")
    switch_canary_off(source, ACTOR, call=FakeHttp(Response(503)).call, now=clock())
    http = FakeHttp(REMOVED)
    send(http, at=clock() + timedelta(hours=2))
    assert [request.method for request in http.requests] == ["DELETE"]
    assert (canary().record, canary().former_record, canary().due_at) == ("", "99", None)


def test_the_record_of_a_source_that_no_route_wants_is_deleted(source):
    switch_canary_on(source, ACTOR, now=clock())
    SourceCanary.unscoped.update(record="99")
    InboundSource.unscoped.update(retired_at=clock())
    http = FakeHttp(REMOVED)
    send(http)
    assert [request.method for request in http.requests] == ["DELETE"]
    assert (canary().is_on, canary().state, canary().record) == (False, "off", "")


@pytest.mark.parametrize("answer", [REMOVED, FORBIDDEN])
def test_a_disconnect_deletes_the_record_before_the_tokens_are_revoked(make, source, answer):
    make.app("pipedrive", {"client_id": "id", "client_secret": "s" * 16})
    switch_canary_on(source, ACTOR, now=clock())
    SourceCanary.unscoped.update(record="99")
    disconnect_account(source.connection, ACTOR, now=clock())
    http = FakeHttp(lambda request: answer if "/persons/" in request.url else Response(200))
    assert attempt_revocation(Revocation.unscoped.get(), call=http.call, clock=clock)
    first, last = http.requests[0], http.requests[-1]
    assert first.method == "DELETE" and first.url.endswith("/api/v2/persons/99")
    assert "/oauth/revoke" in last.url
    assert canary().record == ("" if answer is REMOVED else "99")


def test_a_record_that_cannot_be_deleted_is_named(source):
    switch_canary_on(source, ACTOR, now=clock())
    SourceCanary.unscoped.update(record="99")
    reason = switch_canary_off(source, ACTOR, call=FakeHttp(FORBIDDEN).call, now=clock())
    assert "Scope" in reason and not canary().is_on
    assert "could not be deleted" in CANARY_ACTIONS["canary_off"].describe_success(reason)


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


def test_a_heartbeat_search_of_splunk_is_heard_while_it_is_on(make, client):
    splunk = make.connection(connector="splunk", account="", secret={})
    source = make.source(splunk, "alert", heard_at=clock())
    alert = {"sid": "s1", "search_name": "Integration Hub heartbeat", "result": {}}
    path = local_path(endpoint_of(splunk))
    client.post(path, json.dumps(alert), content_type="application/json")
    run_inbox()
    assert Event.unscoped.count() == 1
    switch_canary_on(source, ACTOR, minutes=15, now=clock())
    client.post(path, json.dumps(alert | {"sid": "s2"}), content_type="application/json")
    run_inbox()
    assert (Event.unscoped.count(), canary().state) == (1, "idle")
    send(FakeHttp([]))
    assert canary().source.canary_heard_at == canary().heard_at
    send(FakeHttp([]), at=clock() + timedelta(minutes=31))
    assert (canary().state, InboundGap.unscoped.get().cause) == ("late", "canary")


@pytest.fixture
def lead(make):
    """The leads of a Salesforce organisation, whose updates a route takes."""
    salesforce = make.connection(
        connector="salesforce",
        account="00D000000000001AAA",
        secret={"access_token": "s"},
        settings={"instance_url": "https://acme.my.salesforce.com"},
    )
    make.route(
        tenant=salesforce.tenant,
        event_type="salesforce.lead.updated",
        origin_connector_key="salesforce",
        connector="webhook",
    )
    endpoint_of(salesforce)
    return make.source(salesforce, "lead", heard_at=clock())


def test_a_salesforce_lead_is_marked_in_its_description(lead):
    switch_canary_on(lead, ACTOR, now=clock())
    http = FakeHttp(Response(201, b'{"id": "00Q000000000001AAA", "success": true}'))
    send(http)
    assert http.requests[0].json["Description"] == MARK
    assert canary().record == "00Q000000000001AAA"
    SourceCanary.unscoped.update(state="idle", due_at=clock())
    http = FakeHttp(Response(204))
    send(http)
    assert http.requests[0].method == "PATCH" and canary().state == "waiting"


def build_creations():
    """Return a route's fields, and a system that creates and deletes leads."""
    made, done = Response(201, b'{"id": "00Q000000000001AAA", "success": true}'), Response(204)
    types = {"event_type": "salesforce.lead.created", "origin_connector_key": "salesforce"}
    return types, FakeHttp(lambda request: made if request.method == "POST" else done)


def find_methods(http, *, at):
    """Return the methods of the calls that are made at this time."""
    count = len(http.requests)
    SourceCanary.unscoped.update(state="idle", due_at=at, failure_count=0)
    send(http, at=at)
    return [request.method for request in http.requests[count:]]


def test_a_lead_is_replaced_each_week_so_that_its_creation_is_proved(make, lead):
    types, http = build_creations()
    make.route(tenant=lead.tenant, connector="webhook", **types)
    switch_canary_on(lead, ACTOR, now=clock())
    assert find_methods(http, at=clock()) == ["POST"]
    assert find_methods(http, at=clock() + timedelta(days=6)) == ["PATCH"]
    assert find_methods(http, at=clock() + timedelta(days=8)) == ["DELETE", "POST"]
    assert canary().former_record == "00Q000000000001AAA"
    assert find_methods(http, at=clock() + timedelta(days=9)) == ["PATCH"]


def test_a_lead_whose_creation_no_route_takes_is_not_replaced(lead):
    _, http = build_creations()
    switch_canary_on(lead, ACTOR, now=clock())
    assert find_methods(http, at=clock()) == ["POST"]
    assert find_methods(http, at=clock() + timedelta(days=8)) == ["PATCH"]


def test_a_creation_that_was_not_heard_is_not_proved_by_an_update(make, lead):
    types, http = build_creations()
    make.route(tenant=lead.tenant, connector="webhook", **types)
    now = clock()
    switch_canary_on(lead, ACTOR, now=now)
    for minutes in (0, 3, 6):
        send(http, at=now + timedelta(minutes=minutes))
    assert [request.method for request in http.requests] == ["POST", "DELETE", "POST"]
    assert InboundGap.unscoped.get().cause == "canary"


def test_where_only_creations_are_registered_a_change_would_prove_nothing(lead):
    lead.tenant.routes.update(event_type="salesforce.lead.created")
    with pytest.raises(CanaryRefused, match=r"salesforce\.lead\.updated"):
        switch_canary_on(lead, ACTOR, now=clock())


def test_no_change_is_made_and_missed_while_no_route_takes_it_any_more(lead):
    switch_canary_on(lead, ACTOR, now=clock())
    SourceCanary.unscoped.update(record="00Q000000000001AAA")
    lead.tenant.routes.update(event_type="salesforce.lead.created")
    http = FakeHttp(Response(204))
    for minutes in range(0, 30, 6):
        send(http, at=clock() + timedelta(minutes=minutes))
    assert http.requests == [] and not InboundGap.unscoped.exists()


def test_the_page_of_a_source_counts_the_rounds_of_a_day(make, client, source):
    now = clock()
    rounds = [{"at": (now - timedelta(hours=hour)).isoformat(), "ms": 900} for hour in (30, 3, 2)]
    rounds.append({"at": now.isoformat(), "ms": None})
    switch_canary_on(source, ACTOR, now=now)
    SourceCanary.unscoped.update(rounds=rounds)
    page = show_source(make, client, source)
    assert "In the last 24 hours: 2 heard, 1 not heard in time" in page
    assert page.count('class="info"') >= 3


def test_a_round_that_is_heard_or_missed_is_kept_for_a_day(client, source):
    now = clock()
    switch_canary_on(source, ACTOR, now=now)
    old = {"at": (now - timedelta(hours=25)).isoformat(), "ms": 5}
    SourceCanary.unscoped.update(rounds=[old])
    send(FakeHttp(CREATED))
    post(client, source)
    send(FakeHttp([]))
    assert [entry["ms"] for entry in canary().rounds] == [canary().round_trip_ms]
    SourceCanary.unscoped.update(state="waiting", due_at=now)
    send(FakeHttp(CREATED), at=clock() + timedelta(minutes=5))
    assert canary().rounds[-1]["ms"] is None and len(canary().rounds) == 2


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


def test_a_program_switches_it_on_and_off(api, subscription, source, monkeypatch):
    url = f"/api/v1/webhook-subscriptions/{subscription.public_id}"
    key = api.of(source.tenant)
    answer = key.post(f"{url}/canary-on", {"minutes": 30}, format="json")
    assert (answer.status_code, answer.json()["source"]) == (202, str(source.public_id))
    assert answer.json()["canary"]["interval_seconds"] == 1800
    assert AuditRow.objects.get(verb="source.canary_on").after == {"minutes": 30}
    SourceCanary.unscoped.update(record="99")
    http = FakeHttp(FORBIDDEN)
    monkeypatch.setattr(ProviderCallView, "call", staticmethod(http.call))
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
