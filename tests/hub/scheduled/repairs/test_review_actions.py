"""Repair and ignore discrepancies, by REST, on the customers' pages, and on those of staff."""

import pytest
from django.urls import reverse

from hub.audit import ActorContext, AuditRow
from hub.db.clock import clock
from hub.operations.models import Operation
from hub.operations.operation_actions import OperationRefused, confirm_operation
from hub.outgoing.models import Delivery
from hub.scheduled.models import Discrepancy, Job
from tests.scheduled_factories import RESULT
from tests.tenants.door import sign_in

pytestmark = pytest.mark.django_db

LIST = "/api/v1/discrepancies"
STOPPED = RESULT | {
    "repairs": {"state": "stopped", "changes": 740, "limits": {"share": 0.1, "count": 500}}
}


@pytest.fixture
def acme(make):
    tenant = make.tenant("acme")
    make.membership(tenant, make.user("ann@acme.test"), "owner")
    make.membership(tenant, make.user("bob@acme.test"), "member")
    return tenant


@pytest.fixture
def salesforce(make, acme):
    make.connection(None, "app")
    return make.connection(acme, connector="salesforce", name="Our Salesforce")


@pytest.fixture
def stored_discrepancy(make, salesforce):
    return make.discrepancy(
        salesforce,
        record_key="A-7",
        local_id="A-7",
        remote_id="a015g00000AbCdEAAV",
        remote_version="2026-11-25T00:30:00.000+0000",
    )


@pytest.fixture
def browser(client, acme):
    sign_in(client, "ann@acme.test")
    return client


@pytest.fixture
def staff(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client


def load_page(browser, url):
    answer = browser.get(url)
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().split())


# --- REST -----------------------------------------------------------------------------------------


def test_a_repair_reads_both_records_first_and_keeps_the_old_value(api, acme, stored_discrepancy):
    answer = api.of(acme).post(f"{LIST}/{stored_discrepancy.public_id}/repair")
    assert (answer.status_code, answer.json()["state"]) == (202, "repairing")
    assert (answer.json()["repair_side"], answer.json()["replaced_value"]) == ("remote", "Paid")
    assert (answer.json()["reason"], answer.json()["repair_delivery"]) == ("awaiting_read", None)
    assert not Delivery.unscoped.exists()
    assert AuditRow.objects.filter(verb="discrepancy.repair").count() == 1


@pytest.mark.corrections(item="1.21")
@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [("ambiguous", "Several records of one side"), ("unmapped", "has no counterpart")],
)
def test_what_cannot_be_repaired_is_not_said_to_be_rejected_by_the_system(
    make, api, acme, salesforce, verdict, sentence
):
    discrepancy = make.discrepancy(salesforce, record_key="A-8", verdict=verdict)
    answer = api.of(acme).post(f"{LIST}/{discrepancy.public_id}/repair")
    assert answer.status_code == 409 and sentence in answer.json()["detail"]
    assert "rejected it" not in answer.json()["detail"]


@pytest.mark.corrections(item="1.21")
def test_an_empty_plan_of_repairs_speaks_of_differences(acme):
    operation = Operation.unscoped.create(
        tenant=acme, kind="repair", reason="why", count=0, planned_at=clock()
    )
    with pytest.raises(OperationRefused, match="No difference that a repair can remove matches"):
        confirm_operation(operation, ActorContext.system(), now=clock())


def test_a_person_may_choose_the_other_side(api, acme, stored_discrepancy):
    answer = api.of(acme).post(
        f"{LIST}/{stored_discrepancy.public_id}/repair", {"side": "local"}, format="json"
    )
    assert (answer.json()["repair_side"], answer.json()["replaced_value"]) == ("local", "shipped")


@pytest.mark.parametrize("body", [{"side": "both"}, {"sides": "local"}, []])
def test_a_side_that_does_not_exist_is_an_error(api, acme, stored_discrepancy, body):
    answer = api.of(acme).post(f"{LIST}/{stored_discrepancy.public_id}/repair", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation-failed")


def test_what_is_only_reported_is_repaired_to_a_chosen_side_only(make, api, salesforce, acme):
    stored = make.discrepancy(salesforce, owner="report", remote_id="a015g00000AbCdEAAV")
    url = f"{LIST}/{stored.public_id}/repair"
    answer = api.of(acme).post(url)
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-state")
    assert "only reports" in answer.json()["detail"]
    assert api.of(acme).post(url, {"side": "remote"}, format="json").status_code == 202


def test_what_is_being_repaired_is_not_repaired_twice(api, acme, stored_discrepancy):
    url = f"{LIST}/{stored_discrepancy.public_id}/repair"
    assert [api.of(acme).post(url).status_code for _ in range(2)] == [202, 409]


def test_what_a_job_of_a_system_that_is_gone_found_is_not_repaired(api, acme, stored_discrepancy):
    Job.unscoped.filter(pk=stored_discrepancy.job_id).update(connector_key="gone")
    answer = api.of(acme).post(f"{LIST}/{stored_discrepancy.public_id}/repair")
    assert answer.status_code == 409 and "not valid any more" in answer.json()["detail"]


def test_a_difference_is_ignored_with_a_reason_and_shown_again(api, acme, stored_discrepancy):
    key, url = api.of(acme), f"{LIST}/{stored_discrepancy.public_id}"
    ignored = key.post(f"{url}/ignore", {"reason": "A test order."}, format="json").json()
    assert (ignored["state"], ignored["ignored_reason"]) == ("ignored", "A test order.")
    assert key.post(f"{url}/ignore", {"reason": "Again."}, format="json").status_code == 409
    again = key.post(f"{url}/stop-ignoring").json()
    assert (again["state"], again["ignored_reason"]) == ("open", "")
    assert key.post(f"{url}/stop-ignoring").status_code == 409


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x" * 301}])
def test_ignoring_needs_a_reason(api, acme, stored_discrepancy, body):
    answer = api.of(acme).post(f"{LIST}/{stored_discrepancy.public_id}/ignore", body, format="json")
    assert answer.status_code == 400


def test_all_that_match_are_repaired_by_an_operation(
    make, api, acme, salesforce, stored_discrepancy
):
    make.discrepancy(salesforce, job=stored_discrepancy.job, field="total")
    plan = {
        "filter": {"job": str(stored_discrepancy.job.public_id), "field": "status"},
        "reason": "why",
    }
    answer = api.of(acme).post(f"{LIST}/repairs", plan, format="json")
    assert (answer.status_code, answer.json()["count"]) == (201, 1)
    assert (answer.json()["kind"], answer.json()["state"]) == ("repair", "planned")
    assert not Discrepancy.unscoped.filter(state="repairing").exists()
    confirmed = api.of(acme).post(f"/api/v1/operations/{answer.json()['id']}/confirm")
    assert confirmed.json()["state"] == "running"


@pytest.mark.parametrize(
    "filter", [{}, {"job": "7"}, {"verdict": "wrong"}, {"name": "x"}, {"discrepancies": []}]
)
def test_a_plan_without_a_readable_filter_is_refused(api, acme, filter):
    plan = {"filter": filter, "reason": "why"}
    answer = api.of(acme).post(f"{LIST}/repairs", plan, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation-failed")


# --- the customers' pages -------------------------------------------------------------------------


def test_an_admin_repairs_one_on_its_page(browser, stored_discrepancy):
    url = f"/t/acme/discrepancies/{stored_discrepancy.public_id}/"
    text = load_page(browser, url)
    assert "Write our value to Salesforce" in text
    browser.post(f"{url}repair", {"side": "remote"})
    text = load_page(browser, url)
    assert "being repaired" in text and "read again before one of them is written" in text
    assert AuditRow.objects.get(verb="discrepancy.repair").actor_label == "ann@acme.test"


def test_a_refused_repair_says_why(make, browser, salesforce):
    stored = make.discrepancy(salesforce, owner="report")
    url = f"/t/acme/discrepancies/{stored.public_id}/"
    assert "only reports" in browser.post(f"{url}repair", follow=True).content.decode()


def test_a_second_repair_says_that_the_first_is_being_sent(browser, stored_discrepancy):
    url = f"/t/acme/discrepancies/{stored_discrepancy.public_id}/"
    browser.post(f"{url}repair", {"side": "remote"})
    text = browser.post(f"{url}repair", {"side": "remote"}, follow=True).content.decode()
    assert "nothing was changed" in text and "valid choice" not in text


def test_an_admin_ignores_one_and_shows_it_again(browser, stored_discrepancy):
    url = f"/t/acme/discrepancies/{stored_discrepancy.public_id}/"
    assert "Enter a reason" in browser.post(f"{url}ignore", follow=True).content.decode()
    browser.post(f"{url}ignore", {"reason": "A test order."})
    text = load_page(browser, url)
    assert "A test order." in text and "Stop ignoring it" in text
    browser.post(f"{url}stop_ignoring")
    stored_discrepancy.refresh_from_db()
    assert stored_discrepancy.state == "open"


def test_selected_differences_are_planned_and_confirmed(browser, stored_discrepancy):
    url = f"/t/acme/discrepancies/repairs?discrepancies={stored_discrepancy.public_id}"
    assert "One selected difference" in load_page(browser, url)
    page = browser.post(url, {"reason": ""})
    operation = Operation.unscoped.get()
    assert page.url == f"/t/acme/operations/{operation.public_id}/"
    text = load_page(browser, page.url)
    assert "Repair discrepancies" in text and "A-7 status" in text and "Run it" in text
    browser.post(f"{page.url}confirm")
    operation.refresh_from_db()
    assert operation.state == "running"


@pytest.mark.parametrize("query", ["", "?job=7", "?discrepancies=7", "?verdict=x"])
def test_a_plan_without_a_readable_filter_selects_nothing(browser, stored_discrepancy, query):
    url = f"/t/acme/discrepancies/repairs{query}"
    assert "Nothing is selected" in load_page(browser, url)
    browser.post(url, {"reason": ""})
    assert not Operation.unscoped.exists()


def test_a_member_sees_differences_and_repairs_none(client, acme, stored_discrepancy):
    sign_in(client, "bob@acme.test")
    url = f"/t/acme/discrepancies/{stored_discrepancy.public_id}/"
    text = load_page(client, url)
    assert "Write our value" not in text and "Reason to ignore it" not in text
    assert 'type="checkbox"' not in load_page(client, "/t/acme/discrepancies/")
    for verb in ("repair", "ignore"):
        assert client.post(f"{url}{verb}", {"reason": "x"}).status_code == 403
    assert client.get("/t/acme/discrepancies/repairs?verdict=differs").status_code == 403


def test_a_run_that_the_safety_valve_stopped_asks_for_a_confirmation(
    make, browser, salesforce, acme
):
    job = make.job(acme)
    run = make.finished_run(job, result=STOPPED)
    waiting = make.discrepancy(salesforce, job=job, run=run)
    text = load_page(browser, "/t/acme/discrepancies/")
    assert "It would have made 740 changes" in text and "500 without asking" in text
    assert f"/t/acme/discrepancies/repairs?run={run.public_id}" in text
    Discrepancy.unscoped.filter(pk=waiting.pk).update(state="repairing")
    assert "It would have made" not in load_page(browser, "/t/acme/discrepancies/")


# --- the pages of staff ---------------------------------------------------------------------------


def verb_of(stored, name):
    return reverse("admin:scheduled_discrepancy_verb", args=[stored.pk, name])


def test_staff_repair_one_with_a_side(staff, stored_discrepancy):
    assert "Write our value to Salesforce" in load_page(
        staff, verb_of(stored_discrepancy, "repair")
    )
    staff.post(verb_of(stored_discrepancy, "repair"), {"side": "remote"})
    stored_discrepancy.refresh_from_db()
    assert (stored_discrepancy.state, stored_discrepancy.repair_side) == ("repairing", "remote")


def test_staff_ignore_one_and_show_it_again(staff, stored_discrepancy):
    staff.post(verb_of(stored_discrepancy, "ignore"), {"reason": "A test order."})
    stored_discrepancy.refresh_from_db()
    assert (stored_discrepancy.state, stored_discrepancy.ignored_reason) == (
        "ignored",
        "A test order.",
    )
    staff.post(verb_of(stored_discrepancy, "stop_ignoring"))
    stored_discrepancy.refresh_from_db()
    assert stored_discrepancy.state == "open"


def test_staff_plan_the_repair_of_all_that_match(staff, stored_discrepancy):
    url = reverse("admin:scheduled_discrepancy_plan")
    text = load_page(
        staff, f"/admin/scheduled/discrepancy/?tenant=acme&field={stored_discrepancy.field}"
    )
    assert f"{url}?field=status&amp;tenant=acme" in text
    page = staff.post(url, {"field": "status", "tenant": "acme", "audit_reason": "why"})
    operation = Operation.unscoped.get()
    assert (operation.kind, operation.count, operation.tenant.reference) == ("repair", 1, "acme")
    assert "A-7 status" in load_page(staff, page.url)
    assert "Set a filter" in staff.post(url, {"audit_reason": "why"}).content.decode()


@pytest.mark.parametrize("narrowed", ["since=1h", "q=01a21100-0000-7000-8000-000000000001"])
def test_a_list_that_a_plan_cannot_express_does_not_offer_to_repair_all(
    staff, stored_discrepancy, narrowed
):
    url = reverse("admin:scheduled_discrepancy_plan")
    listed = "/admin/scheduled/discrepancy/?field=status&"
    assert url not in load_page(staff, listed + narrowed)
    data = {"_selected_action": [stored_discrepancy.pk], "select_across": "1"}
    answer = staff.post(listed + narrowed, {"action": "plan_for_selected"} | data)
    assert "field=status" not in answer.url


def test_staff_see_that_the_safety_valve_stopped_a_run(make, staff, salesforce, acme):
    job = make.job(acme)
    run = make.finished_run(job, result=STOPPED)
    make.discrepancy(salesforce, job=job, run=run)
    url = f"/admin/scheduled/discrepancy/?job={job.public_id}&tenant=acme"
    text = load_page(staff, url)
    assert "It would have made 740 changes" in text
    plan = reverse("admin:scheduled_discrepancy_plan")
    assert f"{plan}?run={run.public_id}&amp;tenant=acme" in text
