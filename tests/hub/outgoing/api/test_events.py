"""Events told by REST."""

import json
from threading import Barrier, Thread

import pytest
from django.db import connection as database

from hub.db.clock import clock
from hub.outgoing.models import Delivery, Event, EventBody, Idempotency
from hub.queue import WakeUp
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db

EVENTS = "/api/v1/events"
ORDER = {"type": "order.created", "data": {"number": "A-1001"}}


def post_event(client, body, **headers):
    return client.post(EVENTS, body, format="json", headers=headers)


def send(client, raw):
    return client.post(EVENTS, raw, content_type="application/json")


def refusal(response):
    answer = response.json()
    assert response["Content-Type"] == "application/problem+json"
    assert not Event.unscoped.exists()
    return response.status_code, answer["code"], [error["pointer"] for error in answer["errors"]]


# --- accepted -------------------------------------------------------------------------------------


def test_an_event_is_accepted_with_its_deliveries_and_where_to_read_of_them(make, shop, acme):
    connection = make.connection(acme)
    make.route(connection)
    response = post_event(shop, ORDER | {"id": "o-1"})
    answer = response.json()
    assert (response.status_code, answer["sender_id"], answer["tenant"]) == (202, "o-1", "acme")
    assert response["Location"] == answer["url"] == f"https://hub.test{EVENTS}/{answer['id']}"
    (delivery,) = answer["deliveries"]
    assert delivery == {
        "id": str(Delivery.unscoped.get().public_id),
        "connector": "webhook",
        "connection": str(connection.public_id),
        "state": "waiting",
    }


def test_the_pump_is_rung_once_it_is_stored(make, shop, acme, django_capture_on_commit_callbacks):
    make.route(make.connection(acme))
    with django_capture_on_commit_callbacks(execute=True):
        post_event(shop, ORDER)
    assert WakeUp.objects.filter(name="pump").exists()


def test_the_bytes_are_kept_as_they_were_received(shop):
    raw = b'{"type" : "order.created", "data":{"total": 12.50, "name":"J\\u00fcrgen"}}'
    assert send(shop, raw).status_code == 202
    assert bytes(EventBody.objects.get().body) == raw


@pytest.mark.corrections(item="1.5")
@pytest.mark.parametrize("form", [b"%b", b"[%b]"])
def test_amounts_of_18_digits_reach_another_system_with_all_digits(make, shop, acme, form):
    body = {"value": "data.total", "tax": "sum(data.taxes)", "net": "subtract(data.total, `0.01`)"}
    filter = "data.total > `1234567890123456.77`"
    make.route(make.connection(acme), body=body, filter=filter)
    data = b'{"total": 1234567890123456.78, "taxes": [123456789012345678, 0.1, 0.2]}'
    assert send(shop, form % (b'{"type": "order.created", "data": %b}' % data)).status_code == 202
    (request,) = pump(FakeHttp(), at=clock()).requests
    for amount in (b"1234567890123456.78", b"123456789012345678.3", b"1234567890123456.77"):
        assert amount in request.content()


def test_an_event_without_an_id_is_given_one(shop):
    first, second = post_event(shop, ORDER).json(), post_event(shop, ORDER).json()
    assert first["sender_id"] == first["id"] != second["id"]


def test_a_moment_is_kept_in_utc(shop):
    post_event(shop, ORDER | {"occurred_at": "2026-01-02T03:04:05+02:00"})
    assert Event.unscoped.get().occurred_at.isoformat() == "2026-01-02T01:04:05+00:00"


def test_an_event_of_a_suspended_tenant_is_accepted_and_reads_as_held(make, shop, acme):
    make.route(make.connection(acme))
    acme.suspend("unpaid", now=clock())
    url = post_event(shop, ORDER)["Location"]
    (delivery,) = shop.get(url).json()["deliveries"]
    assert (delivery["state"], delivery["reason"]) == ("held", "tenant_suspended")


def test_a_platform_key_names_the_tenant(platform, acme):
    assert post_event(platform, ORDER | {"tenant": "acme"}).json()["tenant"] == "acme"
    assert Event.unscoped.get().tenant == acme


# --- a batch --------------------------------------------------------------------------------------


def test_a_batch_is_answered_in_order(make, platform):
    for name in ("acme", "globex"):
        make.route(make.connection(make.tenant(name)))
    batch = [
        ORDER | {"id": str(number), "tenant": ("acme", "globex")[number % 2]} for number in range(4)
    ]
    response = post_event(platform, batch)
    events = response.json()["events"]
    assert [(event["sender_id"], event["tenant"]) for event in events] == [
        (e["id"], e["tenant"]) for e in batch
    ]
    assert [len(event["deliveries"]) for event in events] == [1] * 4
    assert "Location" not in response


def test_each_event_of_a_batch_keeps_its_own_bytes(shop):
    post_event(shop, [ORDER | {"id": "1"}, ORDER | {"id": "2", "data": {"name": "Jürgen"}}])
    assert [json.loads(bytes(row.body))["id"] for row in EventBody.objects.order_by("pk")] == [
        "1",
        "2",
    ]


def test_a_batch_is_all_or_nothing(shop):
    batch = [ORDER, ORDER, ORDER, ORDER | {"data": []}, ORDER | {"kind": "x"}]
    assert refusal(post_event(shop, batch)) == (400, "validation-failed", ["/3/data", "/4/kind"])


def test_a_batch_takes_as_many_statements_as_one_event(
    make, platform, acme, django_assert_num_queries, django_assert_max_num_queries
):
    make.route(make.connection(acme))
    post_event(platform, [ORDER | {"tenant": "acme"}])
    with django_assert_max_num_queries(13) as one:
        post_event(platform, [ORDER | {"tenant": "acme"}])
    with django_assert_num_queries(len(one)):
        post_event(platform, [ORDER | {"tenant": "acme"} for _ in range(100)])


def test_a_thousand_events_may_come_at_once_and_no_more(shop, settings):
    settings.HUB_BATCH_EVENTS = 3
    assert refusal(post_event(shop, [ORDER] * 4)) == (413, "payload-too-large", [])
    assert post_event(shop, [ORDER] * 3).status_code == 202


# --- the same again -------------------------------------------------------------------------------


def test_the_same_id_with_the_same_body_gets_the_first_answer(make, shop, acme):
    make.route(make.connection(acme))
    first = post_event(shop, {"id": "o-1", "type": "order.created", "data": {"a": 1, "b": 2}})
    again = post_event(shop, {"data": {"b": 2, "a": 1}, "type": "order.created", "id": "o-1"})
    assert (again.status_code, again.json(), again["Location"]) == (
        202,
        first.json(),
        first["Location"],
    )
    assert Delivery.unscoped.count() == 1


def test_the_same_id_with_another_body_is_a_conflict(shop):
    post_event(shop, ORDER | {"id": "o-1"})
    response = post_event(shop, [ORDER, ORDER | {"id": "o-1", "data": {}}])
    assert (response.status_code, response.json()["code"]) == (409, "event-conflict")
    assert response.json()["errors"][0]["pointer"] == "/1/id"
    assert Event.unscoped.count() == 1


def test_two_tenants_may_use_the_same_id(make, platform, acme):
    make.tenant("globex")
    ids = {
        post_event(platform, ORDER | {"id": "o-1", "tenant": name}).json()["id"]
        for name in ("acme", "globex")
    }
    assert len(ids) == 2


def test_the_same_idempotency_key_with_the_same_body_gets_the_first_answer(make, shop, acme):
    make.route(make.connection(acme))
    first = post_event(shop, ORDER, idempotency_key="k-1")
    Delivery.unscoped.update(state="delivered")
    again = post_event(shop, ORDER, idempotency_key="k-1")
    assert (again.status_code, again.json(), again["Location"]) == (
        202,
        first.json(),
        first["Location"],
    )
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert Event.unscoped.count() == 1


@pytest.mark.corrections(item="1.5")
def test_a_request_with_an_amount_of_18_digits_can_be_repeated_by_its_key(shop):
    raw = b'{"type": "order.created", "data": {"total": 1234567890123456.78}}'
    key = {"headers": {"idempotency-key": "k-1"}, "content_type": "application/json"}
    first, again = (shop.post(EVENTS, raw, **key) for _ in range(2))
    assert first.status_code == 202 and again["Idempotency-Replayed"] == "true"
    other = raw.replace(b"1234567890123456.78", b'"1234567890123456.78"')
    assert shop.post(EVENTS, other, **key).status_code == 422


def test_the_same_idempotency_key_with_another_body_is_refused(shop):
    post_event(shop, ORDER, idempotency_key="k-1")
    response = post_event(shop, ORDER | {"data": {}}, idempotency_key="k-1")
    assert (response.status_code, response.json()["code"]) == (422, "idempotency-key-reused")


def test_an_idempotency_key_is_the_api_keys_own(make, api, acme):
    one, two = api.of(acme), api.of(make.tenant("globex"))
    assert (
        post_event(one, ORDER, idempotency_key="k").json()["id"]
        != post_event(two, ORDER, idempotency_key="k").json()["id"]
    )


def test_a_refusal_is_not_kept_under_the_idempotency_key(shop):
    assert post_event(shop, ORDER | {"data": 1}, idempotency_key="k").status_code == 400
    assert post_event(shop, ORDER, idempotency_key="k").status_code == 202


@pytest.mark.parametrize("key", ["", " ", "é", "x" * 256])
def test_a_strange_idempotency_key_is_refused(shop, key):
    assert refusal(post_event(shop, ORDER, idempotency_key=key))[:2] == (400, "validation-failed")


# --- at the same moment ---------------------------------------------------------------------------

threaded = pytest.mark.skipif(
    database.vendor == "sqlite", reason="its test database is in memory, and one thread's"
)


def post_events_at_once(api, key, bodies, **headers):
    """Each body by a thread of its own; the answers, in any order."""
    start, answers = Barrier(len(bodies)), []

    def racer(body):
        start.wait()
        answers.append(post_event(api(key), body, **headers))
        database.close()

    threads = [Thread(target=racer, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@threaded
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same", [{"Idempotency-Key": "k-1"}, {}])
def test_the_same_request_at_the_same_moment_happens_once(make, api, acme, same):
    make.route(make.connection(acme))
    answers = post_events_at_once(
        api, make.api_key(acme), [ORDER if same else ORDER | {"id": "o-1"}] * 8, **same
    )
    assert {answer.status_code for answer in answers} == {202}
    assert {answer.json()["id"] for answer in answers} == {str(Event.unscoped.get().public_id)}
    assert (Delivery.unscoped.count(), Idempotency.objects.count()) == (1, len(same))


@threaded
@pytest.mark.django_db(transaction=True)
def test_of_events_at_the_same_moment_each_is_answered_by_itself(make, api, acme):
    make.route(make.connection(acme))
    key = make.api_key(acme)
    post_event(api(key), ORDER | {"id": "o-0"})
    conflict, refused = ORDER | {"id": "o-0", "data": {}}, ORDER | {"data": 1}
    answers = post_events_at_once(
        api, key, [conflict, refused, *(ORDER | {"id": f"o-{n}"} for n in range(1, 7))]
    )
    assert sorted(answer.status_code for answer in answers) == [202] * 6 + [400, 409]
    told = {answer.json()["sender_id"] for answer in answers if answer.status_code == 202}
    assert told == {f"o-{n}" for n in range(1, 7)}
    assert (Event.unscoped.count(), Delivery.unscoped.count()) == (7, 7)
