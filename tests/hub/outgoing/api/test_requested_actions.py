"""Actions now: our application has an action carried out on a connection, and gets its result."""

import json
import time
from contextlib import ExitStack

import pytest
from django.db import transaction

from connectors.http import Response
from hub.audit import AuditRow
from hub.db.clock import clock
from hub.outgoing.api.requested_actions import WAITING_MAX_OF_TENANT, WAITING_THREADS
from hub.outgoing.models import Delivery, Event
from hub.outgoing.subscriptions.requested_actions import PRIORITY_DELIVERIES_PER_MINUTE
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db
INPUT = {"channel": "C0123456789", "text": "It was sent today.", "thread_ts": "1764.0001"}
UPDATE = {"channel": "C0123456789", "text": "It was lost.", "ts": "1764.0001"}
POSTED = Response(200, json.dumps({"ok": True, "ts": "1764.0002", "channel": "C01"}).encode())


@pytest.fixture(autouse=True)
def no_wait(settings):
    settings.HUB_ACTION_WAIT_SECONDS = 0.0


@pytest.fixture
def slack(make, acme):
    return make.connection(acme, "slack", account="T0ACME")


@pytest.fixture
def begin_of_minute(monkeypatch):
    """Let a minute begin now: what is counted by the minute is not counted in two."""
    now = clock().replace(second=0, microsecond=0)
    monkeypatch.setattr(clock, "last_reading", (now, time.monotonic()))


def request_action(client, connection, action="post_message", input=INPUT, id="", **headers):
    return client.post(
        f"/api/v1/connections/{connection.public_id}/actions/{action}",
        {"data": input} | ({"id": id} if id else {}),
        format="json",
        headers=headers,
    )


def test_an_action_is_sent_with_its_input(api, acme, slack):
    answer = request_action(api.of(acme), slack)
    assert answer.status_code == 202, answer.json()
    http = FakeHttp(POSTED)
    pump(http, at=clock())
    (request,) = http.requests
    assert json.loads(request.content())["thread_ts"] == "1764.0001"
    delivery = Delivery.unscoped.get(public_id=answer.json()["id"])
    assert (delivery.state, delivery.event.type) == ("delivered", "action.requested")
    assert AuditRow.objects.filter(verb="connection.act").count() == 1


def test_an_action_is_claimed_before_what_waits(api, make, acme, slack):
    waiting = make.delivery(slack)
    answer = request_action(api.of(acme), slack)
    first, second = Delivery.unscoped.order_by("due_at", "pk")  # as a lane is claimed
    assert (str(first.public_id), second) == (answer.json()["id"], waiting)


def test_a_finished_action_is_answered_with_200(api, acme, slack):
    client = api.of(acme)
    first = request_action(client, slack, **{"Idempotency-Key": "answer-1"})
    pump(FakeHttp(POSTED), at=clock())
    again = request_action(client, slack, **{"Idempotency-Key": "answer-1"})
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["id"] == first.json()["id"]
    assert (again.json()["state"], Event.unscoped.count()) == ("delivered", 1)


@pytest.mark.corrections(item="3.8")
def test_slow_actions_of_one_tenant_leave_places_to_wait_to_others(api, make, acme, settings):
    globex = make.tenant("globex")
    seconds = {}
    with ExitStack() as slow_actions:
        for _ in range(WAITING_MAX_OF_TENANT):
            slow_actions.enter_context(WAITING_THREADS.acquire_for_block(1, acme.pk))
        for tenant, settings.HUB_ACTION_WAIT_SECONDS in ((globex, 0.2), (acme, 20.0)):
            slack, started_at = make.connection(tenant, "slack"), time.monotonic()
            assert request_action(api.of(tenant), slack).status_code == 202
            seconds[tenant] = time.monotonic() - started_at
    assert seconds[globex] >= 0.2 and seconds[acme] < 20
    assert WAITING_THREADS.used == 0


@pytest.mark.corrections(item="3.8")
def test_a_platform_key_waits_at_the_place_of_the_tenant_for_which_it_acts(
    api, acme, slack, settings
):
    settings.HUB_ACTION_WAIT_SECONDS = 20.0
    started_at = time.monotonic()
    with WAITING_THREADS.acquire_for_block(WAITING_MAX_OF_TENANT, acme.pk):
        assert request_action(api.platform(), slack).status_code == 202
    assert time.monotonic() - started_at < 20


@pytest.mark.corrections(item="3.2")
def test_a_key_of_one_connection_does_not_answer_for_another(api, make, acme, slack):
    client, other = api.of(acme), make.connection(acme, "slack", account="T1ACME")
    assert request_action(client, slack, **{"Idempotency-Key": "a-7"}).status_code == 202
    refused = request_action(client, other, **{"Idempotency-Key": "a-7"})
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency-key-reused")
    assert Event.unscoped.count() == 1


@pytest.mark.corrections(item="3.2")
@pytest.mark.parametrize("change", ["connection", "action", "input"])
def test_an_id_of_one_action_does_not_answer_for_another(api, make, acme, slack, change):
    client = api.of(acme)
    assert request_action(client, slack, id="a-7").status_code == 202
    other = {
        "connection": {"connection": make.connection(acme, "slack", account="T1ACME")},
        "action": {"action": "update_message", "input": UPDATE},
        "input": {"input": INPUT | {"text": "It was lost today."}},
    }[change]
    refused = request_action(client, **({"connection": slack, "id": "a-7"} | other))
    assert (refused.status_code, refused.json()["code"]) == (409, "event-conflict"), refused.json()
    again = request_action(client, slack, id="a-7")
    assert (again.status_code, Event.unscoped.count()) == (202, 1)


def test_a_wrong_input_is_refused_and_nothing_is_stored(api, acme, slack):
    answer = request_action(api.of(acme), slack, input={"text": "no channel"})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation-failed")
    assert answer.json()["errors"][0]["pointer"] == "/data"
    assert not Event.unscoped.exists()


def test_an_unknown_action_and_another_tenants_connection_are_not_found(api, make, acme, slack):
    assert request_action(api.of(acme), slack, action="nothing").status_code == 404
    assert request_action(api.of(make.tenant()), slack).status_code == 404


def test_a_disconnected_account_refuses(api, acme, slack):
    with transaction.atomic():
        slack.disconnect(keeps_events=True, now=slack.created_at)
    assert request_action(api.of(acme), slack).status_code == 400


def test_the_same_id_again_is_the_first_request(api, acme, slack):
    first, again = (request_action(api.of(acme), slack, id="answer-1") for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert Event.unscoped.count() == 1


def test_too_many_actions_of_one_connection_are_refused_until_the_next_minute(
    api, make, acme, slack, settings, begin_of_minute
):
    settings.HUB_LIMITS = {"actions": 2}
    client = api.of(acme)
    assert [request_action(client, slack, id=f"answer-{n}").status_code for n in (1, 2, 2)] == [
        202
    ] * 3
    answer = request_action(client, slack, id="answer-3")
    assert (answer.status_code, answer.json()["code"]) == (429, "quota-exceeded")
    assert 1 <= int(answer["Retry-After"]) <= 60
    other = make.connection(acme, "slack", account="T0OTHER")
    assert request_action(client, other).status_code == 202


def test_many_actions_take_their_turn_with_what_waits(api, make, acme, slack, begin_of_minute):
    client, waiting = api.of(acme), make.delivery(slack)
    for _ in range(PRIORITY_DELIVERIES_PER_MINUTE):
        request_action(client, slack)
    answer = request_action(client, slack)
    *_, before_last, last = Delivery.unscoped.order_by("due_at", "pk")  # as a lane is claimed
    assert (before_last, str(last.public_id)) == (waiting, answer.json()["id"])
