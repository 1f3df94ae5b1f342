"""The pages of operations: choose, plan, confirm, watch, cancel; at nobody else's rows."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.audit import AuditRow
from hub.db.clock import clock
from hub.operations.models import Operation
from tests.hub.outgoing.operating import list_states, planned, put, run_operation

pytestmark = pytest.mark.django_db

LIST = "/admin/outgoing/delivery/"
PLAN = "/admin/operations/operation/plan/"


@pytest.fixture
def dead(make, acme):
    connection = make.connection(acme)
    return put([make.delivery(connection) for _ in range(3)], "failed", "exhausted")


def page_of(operation):
    return reverse("admin:operations_operation_change", args=[operation.pk])


def run_row_action(client, operation, verb):
    url = reverse("admin:operations_operation_verb", args=[operation.pk, verb])
    return client.post(url, follow=True).content.decode()


def plan(client, **fields):
    answer = client.post(
        PLAN, {"kind": "retry", "audit_reason": "They are back."} | fields, follow=True
    )
    return answer.content.decode()


def ids(rows):
    return " ".join(str(row.public_id) for row in rows)


def test_selected_rows_lead_to_the_form(root, dead):
    data = {"action": "plan_for_selected", "_selected_action": [dead[0].pk, dead[1].pk]}
    answer = root.post(LIST, data, follow=True)
    assert "2 selected deliveries" in answer.content.decode()
    assert answer.request["PATH_INFO"] == PLAN


def test_all_that_match_lead_there_with_the_lists_own_filter(root, dead):
    page = root.get(
        LIST, {"state": "failed", "reason": "exhausted", "tenant": "acme", "since": "24h"}
    ).content.decode()
    assert f"{PLAN}?state=failed&amp;reason=exhausted&amp;tenant=acme&amp;since=2026-" in page
    data = {"action": "plan_for_selected", "_selected_action": [dead[0].pk], "select_across": "1"}
    answer = root.post(f"{LIST}?state=failed", data)
    assert answer.url == f"{PLAN}?state=failed"
    assert '<option value="failed" selected>' in root.get(answer.url).content.decode()


def test_a_search_is_no_filter_so_it_offers_no_all(root, dead):
    assert PLAN not in root.get(LIST, {"q": str(dead[0].public_id)}).content.decode()


def test_the_plan_says_how_many_how_old_and_where(root, dead):
    page = plan(root, state="failed", tenant="acme")
    assert "Retry 3 deliveries" in page
    assert dead[0].connection.name in page
    assert "Nothing has been changed yet." in page
    assert set(list_states()) == {"failed"}


def test_confirmed_it_runs_and_then_tells_what_was_done(root, dead):
    plan(root, deliveries=ids(dead[:2]))
    operation = Operation.unscoped.get()
    assert "Running." in run_row_action(root, operation, "confirm")
    run_operation(operation)
    page = root.get(page_of(operation)).content.decode()
    assert "2 of 2 done" in page
    assert list_states() == ["waiting", "waiting", "failed"]


def test_while_it_runs_the_page_asks_again_with_and_without_javascript(root, dead):
    operation = planned(now=clock())
    run_row_action(root, operation, "confirm")
    page = root.get(page_of(operation)).content.decode()
    assert 'http-equiv="refresh"' in page
    assert "<progress" in page
    live = reverse("admin:operations_operation_live", args=[operation.pk])
    first = root.get(live)
    assert 'data-ended="no"' in first.content.decode()
    assert root.get(live, headers={"If-None-Match": first["ETag"]}).status_code == 304


def test_cancelled_it_says_so(root, dead):
    operation = planned()
    assert "Cancelled. Changes" in run_row_action(root, operation, "cancel")
    assert "not possible in the current state" in run_row_action(root, operation, "confirm")


def test_each_step_is_one_row_of_the_audit(root, dead):
    plan(root, state="failed")
    operation = Operation.unscoped.get()
    run_row_action(root, operation, "confirm")
    run_row_action(root, operation, "cancel")
    verbs = AuditRow.objects.order_by("pk").values_list("verb", "reason")
    assert list(verbs) == [
        (f"operation.{step}", "They are back.") for step in ("plan", "confirm", "cancel")
    ]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "all deliveries would be changed"),
        ({"state": "failed", "audit_reason": ""}, "This field is required"),
        ({"deliveries": "x"}, "not a list of deliveries"),
        ({"state": "failed", "tenant": "nobody"}, "No tenant has this reference"),
        ({"since": "yesterday"}, "Enter a valid date"),
    ],
)
def test_an_impossible_plan_is_refused_with_a_reason(root, dead, said, words):
    assert words in plan(root, **said)
    assert not Operation.unscoped.exists()


def test_staff_of_one_tenant_touch_its_rows_only(make, staff_of, dead):
    response = put([make.delivery()], "failed")
    client = staff_of(response[0].tenant)
    plan(client, state="failed")
    operation = Operation.unscoped.get()
    assert (operation.count, operation.tenant) == (1, response[0].tenant)
    assert "Select deliveries of one tenant" in plan(client, deliveries=ids(dead))
    plan(client, deliveries=ids(dead + response))
    assert Operation.unscoped.latest("pk").count == 1


def test_staff_of_several_name_the_tenant(make, staff_of, acme, dead):
    client = staff_of(acme, make.tenant())
    assert "Enter the tenant" in plan(client, state="failed")
    plan(client, deliveries=ids(dead))
    assert Operation.unscoped.get().tenant == acme


def test_who_may_only_look_does_nothing(make, acme, dead):
    user = make.staff(acme)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view"))
    client = Client()
    client.force_login(user)
    assert client.get(PLAN).status_code == 403
    operation = planned(tenant=acme, now=clock())
    page = client.get(page_of(operation)).content.decode()
    assert "Run it" not in page
    assert PLAN not in client.get(LIST).content.decode()
    run_row_action(client, operation, "confirm")
    operation.refresh_from_db()
    assert operation.state == "planned"


def test_what_others_wrote_stays_text(root, dead):
    page = plan(root, state="failed", why="<img src=x onerror=alert(1)>")
    assert "<img src=x" not in page


def test_its_pages_ask_a_fixed_number_of_questions(root, make, dead):
    def questions(url):
        with CaptureQueriesContext(database) as queries:
            assert root.get(url).status_code == 200
        return len(queries)

    small, listed = planned(deliveries=[str(dead[0].public_id)]), "/admin/operations/operation/"
    root.get(listed)
    few = questions(page_of(small)), questions(listed)
    put([make.delivery() for _ in range(12)], "failed")
    assert (questions(page_of(planned())), questions(listed)) == few
    assert max(few) <= 8


def test_one_delivery_is_skipped_from_its_page(root, dead):
    url = reverse("admin:outgoing_delivery_verb", args=[dead[0].pk, "skip"])
    page = root.post(url, {"reason": "obsolete"}, follow=True).content.decode()
    assert "A person skipped it." in page
    assert AuditRow.objects.get().verb == "delivery.skip"
