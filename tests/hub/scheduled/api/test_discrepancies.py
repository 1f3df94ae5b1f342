"""REST: discrepancies, and certificates of runs."""

import pytest

from tests.scheduled_factories import RESULT

pytestmark = pytest.mark.django_db

LIST = "/api/v1/discrepancies"


@pytest.fixture
def salesforce(make):
    return make.connection(make.tenant("acme"), connector="salesforce")


def test_a_discrepancy_is_listed_and_read_with_both_values(make, api, salesforce):
    stored = make.discrepancy(salesforce, local_value=None, remote_value="", record_key="A-7")
    (row,) = api.of(salesforce.tenant).get(LIST).json()["items"]
    assert (row["record_key"], row["field"], row["verdict"]) == ("A-7", "status", "differs")
    assert (row["local_value"], row["remote_value"]) == (None, "")
    assert row["job"] == str(stored.job.public_id)
    read = api.platform().get(f"{LIST}/{stored.public_id}").json()
    assert read == row and read["tenant"] == "acme"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("verdict=differs", 2),
        ("verdict=missing_here", 1),
        ("field=total", 1),
        ("state=resolved", 1),
        ("record_key=A-1", 2),
        ("record_key=A-10&field=total", 1),
        ("tenant=acme", 3),
    ],
)
def test_the_list_is_filtered(make, api, salesforce, query, count):
    job = make.job(salesforce.tenant)
    make.discrepancy(salesforce, job=job, record_key="A-1", state="resolved")
    make.discrepancy(salesforce, job=job, record_key="A-10", field="total")
    make.discrepancy(salesforce, job=job, record_key="B-1", field="", verdict="missing_here")
    make.discrepancy(make.connection(connector="salesforce"), record_key="C", verdict="unmapped")
    assert len(api.platform().get(f"{LIST}?{query}").json()["items"]) == count


@pytest.mark.parametrize("query", ["verdict=wrong", "job=7", "record_key=%00", "verdicts=differs"])
def test_a_filter_that_cannot_be_read_is_an_error(api, salesforce, query):
    answer = api.of(salesforce.tenant).get(f"{LIST}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation-failed")


@pytest.mark.parametrize("rows", [1, 12])
def test_the_number_of_statements_does_not_depend_on_the_rows(
    make, api, salesforce, rows, django_assert_num_queries
):
    job = make.job(salesforce.tenant)
    run = make.finished_run(job)
    for _ in range(rows):
        make.discrepancy(salesforce, job=job, run=run)
    key = api.of(salesforce.tenant)
    key.get(LIST)
    with django_assert_num_queries(2):
        assert len(key.get(LIST).json()["items"]) == rows


def test_pages_follow_each_other(make, api, salesforce):
    job = make.job(salesforce.tenant)
    stored = [make.discrepancy(salesforce, job=job) for _ in range(5)]
    key, url, seen = api.of(salesforce.tenant), f"{LIST}?limit=2", []
    while url:
        page = key.get(url).json()
        seen += [row["id"] for row in page["items"]]
        url = (page["next"] or "").removeprefix("https://hub.test")
    assert seen == [str(row.public_id) for row in reversed(stored)]


def test_another_tenant_sees_neither_discrepancies_nor_certificates(make, api, salesforce):
    stored = make.discrepancy(salesforce)
    run = make.finished_run(stored.job)
    key = api.of(make.tenant())
    assert key.get(LIST).json()["items"] == []
    assert key.get(f"{LIST}/{stored.public_id}").status_code == 404
    assert key.get(f"{LIST}?tenant=acme").status_code == 404
    assert key.get(f"/api/v1/runs/{run.public_id}/certificate").status_code == 404


def test_a_certificate_is_downloaded_as_json_and_as_text(make, api, salesforce):
    run = make.finished_run(make.job(salesforce.tenant))
    url, key = f"/api/v1/runs/{run.public_id}/certificate", api.of(salesforce.tenant)
    answer = key.get(url)
    assert answer.json()["statement"] == "9,996 of 10,000 equal at 01:14"
    assert answer.headers["Content-Disposition"].endswith('.json"')
    for text in (key.get(f"{url}?format=txt"), key.get(url, headers={"accept": "text/plain"})):
        assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert text.headers["Content-Disposition"].endswith('.txt"')
        assert answer.json()["digest"] in text.content.decode()


def test_a_job_of_all_tenants_certifies_each_tenant(make, api, salesforce):
    job = make.job(None)
    run = make.finished_run(job, salesforce.tenant, result=RESULT | {"equal": 10_000})
    make.finished_run(job, make.tenant())
    answer = api.of(salesforce.tenant).get(f"/api/v1/runs/{run.public_id}/certificate")
    assert answer.json()["statement"].startswith("10,000 of 10,000 equal")


def test_a_run_that_compared_nothing_has_no_certificate(make, api, salesforce):
    run = make.run(make.job(salesforce.tenant))
    for query in ("", "?format=txt"):
        answer = api.platform().get(f"/api/v1/runs/{run.public_id}/certificate{query}")
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong-state")
