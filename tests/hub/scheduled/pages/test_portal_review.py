"""The customers' discrepancy review: the last result, the summary, and each difference."""

from datetime import timedelta

import pytest

from tests.hub.portal.query_counts import count_queries
from tests.scheduled_factories import NIGHT, RESULT

pytestmark = pytest.mark.django_db


@pytest.fixture
def salesforce(make, acme):
    return make.connection(acme, connector="salesforce", name="Our Salesforce")


@pytest.fixture
def job(make, acme):
    return make.job(acme, name="Orders with Salesforce")


def load_page(browser, path=""):
    answer = browser.get(f"/t/acme/discrepancies/{path}")
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().split())


def test_without_a_job_the_page_names_the_next_step(browser):
    assert "Nothing is compared yet" in load_page(browser)


def test_before_the_first_run_the_page_says_so(browser, job):
    text = load_page(browser)
    assert "has not compared anything yet" in text and "No differences yet" in text


def test_the_last_run_is_stated_with_its_certificate_and_its_nights(make, browser, job):
    for day in range(3):
        make.finished_run(job, at=NIGHT - timedelta(days=day + 1))
    run = make.finished_run(job)
    text = load_page(browser)
    assert "9,996 of 10,000 equal at 02:14" in text
    assert "The last runs" in text and text.count('<th scope="row">') >= 4
    answer = browser.get(f"/t/acme/runs/{run.public_id}/certificate.txt")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "9,996 of 10,000 equal at 02:14" in answer.content.decode()
    assert browser.get(f"/t/acme/runs/{run.public_id}/certificate.json").json()["equal"] == 9_996
    assert browser.get(f"/t/acme/runs/{run.public_id}/certificate.csv").status_code == 404


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"equal": 10_000, "verdicts": {}}, "Every record of both sides was compared."),
        ({"is_complete": False}, "could not be read completely"),
        ({"read": "incremental"}, "what had changed since the run before"),
    ],
)
def test_the_page_says_what_a_result_is_worth(make, browser, job, changes, text):
    make.finished_run(job, result=RESULT | changes)
    assert text in load_page(browser)


def test_both_values_are_shown_with_their_difference(make, browser, job, salesforce):
    make.discrepancy(
        salesforce, job=job, record_key="A-7", local_value="Anna <b>", remote_value="Anne <b>"
    )
    make.discrepancy(salesforce, job=job, local_value=None, remote_value="")
    text = load_page(browser)
    assert (
        "<mark>a</mark>" in text
        and "<mark>e</mark>" in text
        and "&lt;b&gt;" in text
        and "<b>" not in text
    )
    assert "no value" in text and "empty text" in text


def test_the_summary_leads_to_the_differences_of_a_verdict_and_field(
    make, browser, job, salesforce
):
    make.discrepancy(salesforce, job=job, field="status", record_key="K-1")
    make.discrepancy(salesforce, job=job, field="total", record_key="B-2")
    text = load_page(browser)
    assert "?verdict=differs&amp;field=total&amp;state=new" in text
    text = load_page(browser, "?verdict=differs&field=total")
    assert "B-2" in text and "K-1" not in text and "Field: total" in text


def test_what_is_resolved_or_ignored_is_listed_by_its_state(make, browser, job, salesforce):
    make.discrepancy(salesforce, job=job, state="resolved", record_key="R-1")
    make.discrepancy(salesforce, job=job, state="ignored", record_key="I-1")
    text = load_page(browser)
    assert "R-1" not in text and "I-1" not in text
    assert "R-1" in load_page(browser, "?state=resolved") and "I-1" in load_page(
        browser, "?state=ignored"
    )


@pytest.mark.parametrize("query", ["state=wrong", "job=7", "verdict=x", "record_key=%00"])
def test_a_filter_that_cannot_be_read_selects_nothing(make, browser, job, salesforce, query):
    make.discrepancy(salesforce, job=job, record_key="A-7")
    assert "A-7" not in load_page(browser, f"?{query}")


def test_the_page_of_a_difference_explains_it(make, browser, job, salesforce):
    stored = make.discrepancy(salesforce, job=job, record_key="A-7", remote_id="a01")
    text = load_page(browser, f"{stored.public_id}/")
    assert "this field has different values" in text
    assert "Our application is right: a repair changes Salesforce." in text
    assert "a01" in text and "Our Salesforce" in text


def test_a_missing_record_is_shown_as_missing(make, browser, job, salesforce):
    stored = make.discrepancy(
        salesforce,
        job=job,
        verdict="missing_there",
        field="",
        local_value={"number": "A-7"},
        remote_value=None,
    )
    text = load_page(browser, f"{stored.public_id}/")
    assert "Our application has this record, and Salesforce does not." in text
    assert "no record" in text and "number: A-7" in text


def test_a_repaired_difference_keeps_its_old_value(make, browser, job, salesforce):
    delivery = make.delivery(salesforce)
    stored = make.discrepancy(
        salesforce,
        job=job,
        state="repairing",
        repair_side="remote",
        replaced_value="Paid",
        repaired_at=NIGHT,
        repair_delivery=delivery,
    )
    text = load_page(browser, f"{stored.public_id}/")
    assert "Value before the repair" in text and "Paid" in text
    assert f"/t/acme/deliveries/{delivery.public_id}/" in text


def test_a_repair_that_waits_for_a_read_shows_no_old_value(make, browser, job, salesforce):
    stored = make.discrepancy(
        salesforce, job=job, state="repairing", repair_side="remote", reason="awaiting_read"
    )
    text = load_page(browser, f"{stored.public_id}/")
    assert "read again before one of them is written" in text and "before the repair" not in text


def test_the_page_says_that_pipedrive_has_no_precondition(make, browser, acme):
    pipedrive = make.connection(acme, "pipedrive", secret={})
    stored = make.discrepancy(pipedrive)
    assert "at most 60 seconds before" in load_page(browser)
    assert "at most 60 seconds before" in load_page(browser, f"{stored.public_id}/")


def test_the_review_takes_the_same_statements_for_sixty_differences(make, browser, job, salesforce):
    make.finished_run(job)
    make.discrepancy(salesforce, job=job)
    few = count_queries(browser, "/t/acme/discrepancies/")
    for number in range(60):
        make.discrepancy(salesforce, job=job, field=f"field {number % 7}")
    assert count_queries(browser, "/t/acme/discrepancies/") == few
    text = load_page(browser)
    assert "Older" in text


def test_of_several_jobs_one_is_chosen(make, browser, acme, job, salesforce):
    other = make.job(acme, name="Customers")
    make.finished_run(job, at=NIGHT - timedelta(days=1))
    make.finished_run(job)
    make.discrepancy(salesforce, job=job, record_key="K-1")
    make.discrepancy(salesforce, job=other, record_key="B-1")
    text = load_page(browser)
    assert "K-1" in text and "B-1" in text and "Customers" in text
    assert text.count("9,996 of 10,000 equal at 02:14") == 1
    assert "K-1" not in load_page(browser, f"?job={other.public_id}")


def test_a_job_of_all_tenants_shows_the_own_differences_only(make, browser, salesforce):
    job, elsewhere = make.job(None), make.connection(connector="salesforce")
    make.discrepancy(salesforce, job=job, record_key="ours-1")
    make.discrepancy(elsewhere, job=job, record_key="theirs-1")
    make.finished_run(job, elsewhere.tenant)
    text = load_page(browser)
    assert "ours-1" in text and "theirs-1" not in text and "equal at" not in text


@pytest.fixture
def stopped_run(make, job, salesforce):
    """A run whose repairs the safety valve stopped: two of its four differences can be repaired."""
    repairs = {"state": "stopped", "changes": 2, "limits": {"share": 0.1, "count": 1}}
    run = make.finished_run(job, result=RESULT | {"repairs": repairs})
    for key, values in (
        ("can-1", {}),
        ("can-2", {"field": "total"}),
        ("unclear", {"verdict": "ambiguous", "field": ""}),
        ("carried", {"now": NIGHT - timedelta(days=1), "found_by_runs": ""}),
    ):
        make.discrepancy(salesforce, job=job, run=run, record_key=key, **values)
    return run


@pytest.mark.corrections(item="1.9")
@pytest.mark.parametrize("further", ["", "&repairable=1"])
def test_what_a_run_found_is_listed_after_a_later_run_found_it_again(
    make, browser, salesforce, stopped_run, further
):
    later = make.finished_run(stopped_run.job, at=NIGHT + timedelta(days=1))
    found_by = f",{later.pk},{stopped_run.pk},"
    make.discrepancy(
        salesforce, job=later.job, run=later, record_key="again", found_by_runs=found_by
    )
    assert ">again<" in load_page(browser, f"?run={stopped_run.public_id}{further}")


@pytest.mark.corrections(item="3.9")
def test_what_a_stopped_run_would_change_is_listed_and_can_be_confirmed(
    make, browser, acme, stopped_run
):
    make.finished_run(make.job(acme, name="Customers"))
    query = f"?run={stopped_run.public_id}"
    text = load_page(browser, f"?job={stopped_run.job.public_id}")
    assert f'href="{query}&amp;repairable=1">Show what would change' in text
    text = load_page(browser, f"{query}&repairable=1")
    keys = ("can-1", "can-2", "unclear", "carried")
    assert [key for key in keys if f">{key}<" in text] == ["can-1", "can-2"]
    assert f'href="/t/acme/discrepancies/repairs{query}"' in text and "Confirm…" in text
