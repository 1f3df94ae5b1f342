"""Work on many deliveries from the log: plan, confirm, watch, cancel; never beyond the tenant."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.audit import AuditRow
from hub.operations.models import Operation
from hub.outgoing.models import Delivery
from hub.outgoing.operations.planning import OPERATION_KINDS
from tests.hub.outgoing.operating import LATER, copy_delivery, put, run_operation
from tests.hub.portal.query_counts import count_queries

pytestmark = pytest.mark.django_db
PLAN = "/t/acme/operations/plan"


@pytest.fixture
def three(make, acme):
    connection = make.connection(acme)
    return put([make.delivery(connection) for _ in range(3)], "failed", "exhausted")


def plan_retry(client, query="?state=failed", **fields):
    answer = client.post(PLAN + query, {"kind": "retry", "reason": ""} | fields)
    assert answer.status_code == 302, answer.context["form"].errors
    return Operation.unscoped.get(public_id=answer["Location"].split("/")[-2])


def page_of(operation, more=""):
    return f"/t/acme/operations/{operation.public_id}/{more}"


def test_the_log_leads_to_the_plan_of_all_that_match(admin, three):
    html = admin.get("/t/acme/events/?state=failed&type=order.created").content.decode()
    assert f"{PLAN}?state=failed&amp;event_type=order.created" in html


def test_nothing_is_done_before_it_is_confirmed(admin, three):
    operation = plan_retry(admin)
    html = admin.get(page_of(operation)).content.decode()
    assert (operation.count, operation.state) == (
        3,
        "planned",
    ) and "Nothing has been changed yet" in html
    assert set(Delivery.unscoped.values_list("state", flat=True)) == {"failed"}


def test_the_button_says_how_many_deliveries_it_runs(admin, three):
    operation = plan_retry(admin)
    assert ">Run it: 3</button>" in admin.get(page_of(operation)).content.decode()
    Operation.unscoped.filter(pk=operation.pk).update(count=10_000, more=True)
    assert ">Run it: 10,000+</button>" in admin.get(page_of(operation)).content.decode()


def test_it_runs_and_tells_what_it_did(admin, three):
    operation = plan_retry(admin)
    admin.post(page_of(operation, "confirm"))
    assert admin.get(page_of(operation, "live")).content.decode().count("<progress") == 1
    run_operation(operation, at=LATER)
    html = admin.get(page_of(operation)).content.decode()
    assert "3 of 3 done" in html and admin.get(page_of(operation, "live"))["HX-Refresh"] == "true"
    assert list(AuditRow.objects.order_by("pk").values_list("verb", flat=True)) == [
        "operation.plan",
        "operation.confirm",
        "operation.finish",
    ]


def test_it_can_be_cancelled(admin, three):
    operation = plan_retry(admin)
    admin.post(page_of(operation, "cancel"))
    operation.refresh_from_db()
    assert operation.state == "cancelled"
    assert (
        "so nothing was changed"
        in admin.post(page_of(operation, "confirm"), follow=True).content.decode()
    )


def test_only_selected_rows_are_changed(admin, three):
    assert (
        plan_retry(admin, f"?deliveries={three[0].public_id}&deliveries={three[2].public_id}").count
        == 2
    )


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?state=lost",
        "?deliveries=x",
        "?since=yesterday",
        "?since=2026-11-25T12:00",
        "?tenant=globex",
    ],
)
def test_what_is_not_understood_means_no_row(admin, three, query):
    answer = admin.post(PLAN + query, {"kind": "retry"})
    assert answer.status_code == 200 and "Nothing is selected" in answer.content.decode()
    assert not Operation.unscoped.exists()


def test_a_member_plans_nothing(member, three):
    assert (
        member.get(PLAN).status_code == 403
        and member.post(PLAN + "?state=failed").status_code == 403
    )


def test_a_plan_of_nothing_has_no_button(admin, three):
    html = admin.get(page_of(plan_retry(admin, "?state=held"))).content.decode()
    assert "nothing to do" in html and "confirm" not in html


def test_the_page_asks_a_fixed_number_of_questions(admin, three):
    few = count_queries(admin, page_of(plan_retry(admin)))
    copy_delivery(three[0], 60, state="failed")
    assert count_queries(admin, page_of(plan_retry(admin))) == few <= 8


numbers = itertools.count()
filters = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(["failed", "held", "waiting", "delivered"]),
        "reason": st.sampled_from(["exhausted", "paused", "filtered"]),
        "event_type": st.just("order.created"),
        "since": st.just("2020-01-01T00:00:00Z"),
        "deliveries": st.just("theirs"),
        "connection": st.just("theirs"),
    },
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(OPERATION_KINDS)),
    said=filters,
    state=st.sampled_from(["failed", "held", "delivered", "waiting"]),
)
def test_no_bulk_action_of_one_tenant_touches_a_row_of_another(
    make, open_browser, acme, kind, said, state
):
    client, delivery = (
        open_browser(acme),
        make.delivery(make.connection(make.tenant(f"other-{next(numbers)}"))),
    )
    put([delivery], state, "exhausted")
    before = list(Delivery.unscoped.filter(tenant=delivery.tenant).values())
    ids = {"deliveries": delivery.public_id, "connection": delivery.connection.public_id}
    query = {name: ids[name] if value == "theirs" else value for name, value in said.items()}
    answer = client.post(
        f"{PLAN}?" + "&".join(f"{name}={value}" for name, value in query.items()), {"kind": kind}
    )
    if answer.status_code == 302:
        operation = Operation.unscoped.latest("pk")
        client.post(page_of(operation, "confirm"))
        run_operation(operation, at=LATER)
    assert list(Delivery.unscoped.filter(tenant=delivery.tenant).values()) == before
