"""The staff pages of discrepancies."""

import re
from datetime import timedelta
from html import escape

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from tests.scheduled_factories import NIGHT, RESULT

pytestmark = pytest.mark.django_db

LIST = "/admin/scheduled/discrepancy/"


@pytest.fixture
def staff(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client


@pytest.fixture
def salesforce(make):
    return make.connection(make.tenant("acme"), connector="salesforce")


def load_page(client, url):
    answer = client.get(url)
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().split())


def test_the_list_shows_both_values_and_counts_by_verdict_and_field(make, staff, salesforce):
    make.discrepancy(salesforce, local_value="Anna", remote_value="Anne<script>")
    text = load_page(staff, LIST)
    assert "<mark>a</mark>" in text and "&lt;script&gt;" in text
    assert "?verdict__exact=differs&amp;field=status&amp;state__exact=new" in text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("field=total", 1),
        ("record_key=A-1", 2),
        ("verdict__exact=missing_there", 1),
        ("state__exact=resolved", 0),
        ("tenant=acme", 3),
        ("job=7", 0),
    ],
)
def test_the_list_is_filtered(make, staff, salesforce, query, count):
    job = make.job(salesforce.tenant)
    make.discrepancy(salesforce, job=job, record_key="A-1")
    make.discrepancy(salesforce, job=job, record_key="A-10", field="total")
    make.discrepancy(salesforce, job=job, record_key="B", verdict="missing_there", field="")
    make.discrepancy(make.connection(connector="salesforce"), record_key="C", verdict="unmapped")
    answer = staff.get(f"{LIST}?{query}")
    assert answer.context["cl"].result_count == count


def test_job_and_tenant_show_the_last_result_with_its_certificate(make, staff, salesforce):
    job = make.job(salesforce.tenant)
    make.discrepancy(salesforce, job=job)
    runs = [make.finished_run(job, at=NIGHT + timedelta(days=day)) for day in range(3)]
    text = load_page(staff, f"{LIST}?job={job.public_id}&tenant=acme")
    assert "9,996 of 10,000 equal at 01:14" in text
    url = reverse("admin:scheduled_discrepancy_certificate", args=[runs[-1].public_id, "txt"])
    assert url in text
    assert "9,996 of 10,000 equal" in staff.get(url).content.decode()


@pytest.mark.parametrize("rows", [1, 20])
def test_the_list_takes_a_fixed_number_of_statements(
    make, staff, salesforce, rows, django_assert_max_num_queries
):
    job = make.job(salesforce.tenant)
    make.finished_run(job)
    for number in range(rows):
        make.discrepancy(salesforce, job=job, field=f"field {number}")
    with django_assert_max_num_queries(11):
        load_page(staff, f"{LIST}?job={job.public_id}&tenant=acme")


def test_the_page_of_a_difference_shows_its_repair(make, staff, salesforce):
    stored = make.discrepancy(
        salesforce,
        state="repairing",
        repair_side="remote",
        replaced_value="Paid",
        repaired_at=NIGHT,
        repair_delivery=make.delivery(salesforce),
    )
    url = reverse("admin:scheduled_discrepancy_change", args=[stored.pk])
    text = load_page(staff, url)
    assert "Value before the repair" in text and "updates automatically" in text
    assert "Salesforce" in text


def test_the_sides_of_a_repair_are_radio_buttons_beside_their_words(make, staff, salesforce):
    stored = make.discrepancy(salesforce)
    text = load_page(staff, reverse("admin:scheduled_discrepancy_verb", args=[stored.pk, "repair"]))
    (*radios,) = re.findall(r'<input type="radio"[^>]*>', text)
    assert radios and not [radio for radio in radios if "w-full" in radio]


def test_a_certificate_of_another_tenant_is_not_found(make, client, salesforce):
    run = make.finished_run(make.job(salesforce.tenant))
    url = reverse("admin:scheduled_discrepancy_certificate", args=[run.public_id, "txt"])
    person = make.staff(make.tenant())
    person.user_permissions.set(Permission.objects.filter(codename="view_discrepancy"))
    client.force_login(person)
    assert client.get(url).status_code == 404


@pytest.mark.corrections(item="3.9")
def test_staff_see_what_a_stopped_run_would_change_and_can_confirm_it(make, staff, salesforce):
    job = make.job(salesforce.tenant)
    repairs = {"state": "stopped", "changes": 1, "limits": {"share": 0.1, "count": 0}}
    run = make.finished_run(job, result=RESULT | {"repairs": repairs})
    make.discrepancy(salesforce, job=job, run=run)
    make.discrepancy(salesforce, job=job, run=run, verdict="ambiguous", field="")
    make.discrepancy(salesforce, job=job, run=run, now=NIGHT - timedelta(days=1), found_by_runs="")
    query = f"run={run.public_id}&tenant=acme"
    assert f"?{escape(query)}&amp;repairable=1" in load_page(
        staff, f"{LIST}?job={job.public_id}&tenant=acme"
    )
    answer = staff.get(f"{LIST}?{query}&repairable=1")
    assert answer.context["cl"].result_count == 1 and "Confirm…" in answer.content.decode()
