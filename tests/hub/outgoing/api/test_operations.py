"""Bulk operations by REST: planned, confirmed, read and cancelled, within one tenant only."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hub.audit import AuditRow
from hub.operations.models import Operation
from hub.outgoing.models import Delivery
from hub.outgoing.operations.planning import OPERATION_KINDS
from tests.factories import NOON
from tests.hub.outgoing.operating import list_states, put, run_operation

pytestmark = pytest.mark.django_db

URL = "/api/v1/operations"
DEAD = {"kind": "retry", "filter": {"state": "failed"}, "reason": "They are back."}


@pytest.fixture
def dead(make, acme):
    connection = make.connection(acme)
    return put([make.delivery(connection) for _ in range(3)], "failed", "exhausted")


def post(client, path="", body=None):
    return client.post(URL + path, body, format="json")


def test_a_plan_tells_what_would_be_done_and_does_nothing(shop, dead):
    answer = post(shop, body=DEAD)
    document = answer.json()
    assert (answer.status_code, document["state"], document["count"], document["tenant"]) == (
        201,
        "planned",
        3,
        "acme",
    )
    assert (document["plan"]["tenants"], document["plan"]["connections"][0]["rows"]) == (1, 3)
    assert [row["id"] for row in document["plan"]["sample"]] == [str(row.public_id) for row in dead]
    assert answer["Location"] == document["url"] == f"https://hub.test{URL}/{document['id']}"
    assert set(list_states()) == {"failed"}


def test_confirmed_it_runs_and_tells_how_far_it_is(shop, dead):
    path = f"/{post(shop, body=DEAD).json()['id']}"
    assert post(shop, f"{path}/confirm").json()["state"] == "running"
    run_operation(Operation.unscoped.get(), at=NOON)
    document = shop.get(URL + path).json()
    assert (document["state"], document["processed_count"], document["excluded_count"]) == (
        "finished",
        3,
        0,
    )
    assert set(list_states()) == {"waiting"}
    assert post(shop, f"{path}/confirm").json()["code"] == "wrong-state"


def test_cancelled_it_is_not_run(shop, dead):
    path = f"/{post(shop, body=DEAD).json()['id']}"
    assert post(shop, f"{path}/cancel").json()["state"] == "cancelled"
    answer = post(shop, f"{path}/confirm")
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "It is “cancelled”, so nothing was changed.",
    )


def test_the_cap_of_an_hour_is_a_problem_that_says_when(shop, dead, settings):
    settings.HUB_OPERATION_ROWS_PER_HOUR = 5
    first, second = (post(shop, body=DEAD).json()["id"] for _ in range(2))
    post(shop, f"/{first}/confirm")
    answer = post(shop, f"/{second}/confirm")
    assert (answer.status_code, answer.json()["code"]) == (429, "too-many-rows")
    assert 3500 < int(answer["Retry-After"]) <= 3600


def test_a_plan_of_nothing_is_not_confirmed(shop, dead):
    document = post(shop, body=DEAD | {"filter": {"state": "held"}}).json()
    assert document["count"] == 0
    assert "nothing to do" in post(shop, f"/{document['id']}/confirm").json()["detail"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"reason": ""}, "/reason"),
        ({"kind": "delete"}, "/kind"),
        ({"filter": {}}, "/filter"),
        ({"filter": {"tenant__reference": "globex"}}, "/filter/tenant__reference"),
        ({"filter": {"state": "lost"}}, "/filter/state"),
        ({"filter": {"since": "yesterday"}}, "/filter/since"),
        ({"filter": {"deliveries": ["x"]}}, "/filter/deliveries/0"),
        ({"filter": {"deliveries": []}}, "/filter/deliveries"),
    ],
)
def test_what_is_not_on_the_list_of_ways_is_refused(shop, dead, change, pointer):
    answer = post(shop, body=DEAD | change)
    assert answer.status_code == 400
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}
    assert Operation.unscoped.count() == 0


def test_the_platform_plans_for_one_tenant_or_for_all(make, platform, dead):
    put([make.delivery()], "failed")
    assert post(platform, body=DEAD).json()["count"] == 4
    assert post(platform, body=DEAD | {"tenant": "acme"}).json()["count"] == 3
    assert post(platform, body=DEAD | {"tenant": "nobody"}).json()["code"] == "tenant-not-found"


def test_the_audit_tells_of_an_operation_once_for_each_step(shop, dead):
    path = f"/{post(shop, body=DEAD).json()['id']}"
    post(shop, f"{path}/confirm")
    post(shop, f"{path}/cancel")
    rows = AuditRow.objects.order_by("pk").values_list("verb", "reason", "actor_kind")
    steps = ("operation.plan", "operation.confirm", "operation.cancel")
    assert list(rows) == [(step, "They are back.", "api_key") for step in steps]


def test_one_delivery_is_skipped(shop, dead):
    document = shop.post(f"/api/v1/deliveries/{dead[0].public_id}/skip").json()
    assert (document["state"], document["reason"], document["sentence"]) == (
        "skipped",
        "skipped_by_person",
        "A person skipped it.",
    )


def filters(rows):
    """Whatever a key may say, about its own rows and about another's."""
    one = st.sampled_from(rows)
    return st.fixed_dictionaries(
        {},
        optional={
            "state": st.sampled_from(Delivery.State.values),
            "reason": st.sampled_from(["exhausted", "defect", "paused", "filtered"]),
            "connector": st.sampled_from(["webhook", "slack"]),
            "connection": one.map(lambda row: str(row.connection.public_id)),
            "route": one.map(lambda row: str(row.route.public_id)),
            "event_type": st.just("order.created"),
            "since": st.just("2026-01-01T00:00:00Z"),
            "deliveries": st.lists(one.map(lambda row: str(row.public_id)), min_size=1, max_size=8),
        },
    ).filter(bool)


@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_one_tenant_does_to_many_touches_no_row_of_another(make, api, data):
    ours, theirs = (
        [make.delivery(make.connection(tenant)) for _ in range(4)]
        for tenant in (make.tenant(), make.tenant())
    )
    for rows in (ours, theirs):
        for row, state in zip(rows, ("failed", "held", "delivered", "waiting"), strict=True):
            put([row], state, "exhausted" if state == "failed" else "")
    before = list(Delivery.unscoped.filter(tenant=theirs[0].tenant).order_by("pk").values())
    body = {
        "kind": data.draw(st.sampled_from(sorted(OPERATION_KINDS))),
        "filter": data.draw(filters(ours + theirs)),
        "reason": "x",
    }
    client = api.of(ours[0].tenant)
    document = post(client, body=body).json()
    post(client, f"/{document['id']}/confirm")
    run_operation(Operation.unscoped.get(public_id=document["id"]), at=NOON)
    assert list(Delivery.unscoped.filter(tenant=theirs[0].tenant).order_by("pk").values()) == before
    assert {row["tenant"] for row in document["plan"]["sample"]} <= {ours[0].tenant.reference}


@pytest.mark.parametrize("kind", sorted(OPERATION_KINDS))
def test_a_tenants_operation_leaves_out_what_goes_to_our_own_application(make, shop, acme, kind):
    state = {"retry": "failed", "cancel": "held", "skip": "held", "send_again": "delivered"}[kind]
    make.route(
        make.connection(connector="app"), tenant=acme, action="send_event", body={"type": "type"}
    )
    delivery = make.delivery(make.connection(acme))
    put(Delivery.unscoped.all(), state)
    document = post(shop, body={"kind": kind, "filter": {"state": state}, "reason": "x"}).json()
    assert [row["id"] for row in document["plan"]["sample"]] == [str(delivery.public_id)]
    before = list(Delivery.unscoped.filter(route__connector_key="app").values())
    Operation.unscoped.update(more=True)  # so that only the batch itself can stop
    post(shop, f"/{document['id']}/confirm")
    run_operation(Operation.unscoped.get(), at=NOON)
    assert list(Delivery.unscoped.filter(route__connector_key="app").values()) == before
    assert Operation.unscoped.get().processed_count == 1


def test_the_platforms_operation_for_a_tenant_includes_it(make, platform, acme):
    make.route(
        make.connection(connector="app"), tenant=acme, action="send_event", body={"type": "type"}
    )
    make.event(acme)
    put(Delivery.unscoped.all(), "failed")
    document = post(platform, body=DEAD | {"tenant": "acme"}).json()
    post(platform, f"/{document['id']}/confirm")
    run_operation(Operation.unscoped.get(), at=NOON)
    assert Operation.unscoped.get().processed_count == 1
