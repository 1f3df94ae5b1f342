"""Jobs, slots and runs by REST."""

import pytest

from hub.scheduled.models import Job, Run
from tests.factories import NOON
from tests.hub.scheduled.run_helpers import OPTIONS_WITH_CHANNEL, job_of, read_three_pages, run_of

SCOPES = ("jobs:read", "jobs:write")
INPUT = {"kind": "report", "name": "Sales", "connector": "slack", "cron": "0 9 * * mon"}


@pytest.fixture(autouse=True)
def executors(run_reports):
    run_reports(read_three_pages, OPTIONS_WITH_CHANNEL)


@pytest.fixture
def tenant(make):
    return make.tenant("acme", time_zone="Europe/Berlin")


@pytest.fixture
def client(api, tenant):
    return api.of(tenant, scopes=SCOPES)


def create(client, **fields):
    body = INPUT | {"options": {"channel": "C1"}} | fields
    return client.post("/api/v1/jobs", body, format="json")


def test_a_tenant_creates_reads_changes_and_deletes_a_job(client):
    created = create(client)
    assert created.status_code == 201
    url = f"/api/v1/jobs/{created.json()['id']}"
    assert created.headers["Location"].endswith(url)
    job = client.get(url).json()
    assert job == created.json()
    assert (job["tenant"], job["enabled"], job["window_minutes"]) == ("acme", True, 15)
    changed = client.patch(url, {"enabled": False, "cron": "0 8 * * *"}, format="json").json()
    assert (changed["enabled"], changed["cron"]) == (False, "0 8 * * *")
    assert [item["id"] for item in client.get("/api/v1/jobs?enabled=false").json()["items"]] == [
        job["id"]
    ]
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"cron": "every day"}, "/cron"),
        ({"options": {}}, "/options/channel"),
        ({"window_minutes": 0}, "/window_minutes"),
        ({"connector": "nothing"}, "/connector"),
        ({"kind": "dance"}, "/kind"),
        ({"lunch": 1}, "/lunch"),
        ({"options": []}, "/options"),
    ],
)
def test_an_invalid_job_is_refused_with_a_pointer(client, fields, pointer):
    answer = create(client, **fields)
    assert answer.status_code in (400, 422)
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert not Job.unscoped.exists()


def test_a_platform_key_creates_a_job_of_all_tenants_that_tenants_read_only(api, client):
    created = create(api.platform(scopes=SCOPES), tenant=None, priority=5)
    assert created.status_code == 201
    url = f"/api/v1/jobs/{created.json()['id']}"
    assert client.get(url).json()["tenant"] is None
    assert client.patch(url, {"enabled": False}, format="json").status_code == 403
    assert client.delete(url).status_code == 403
    assert create(client, priority=5).status_code == 403
    assert create(client, tenant=None).status_code == 403


def test_slots_are_in_the_tenants_zone_with_its_offset(client, make, tenant):
    job = job_of(make, tenant, cron="30 2 * * *")
    query = {"from": "2026-10-24T00:00:00Z", "until": "2026-10-27T00:00:00+01:00"}
    answer = client.get(f"/api/v1/jobs/{job.public_id}/slots", query)
    assert answer.json() == {
        "tenant": "acme",
        "time_zone": "Europe/Berlin",
        "slots": [
            "2026-10-24T02:30:00+02:00",
            "2026-10-25T02:30:00+02:00",
            "2026-10-26T02:30:00+01:00",
        ],
        "complete": True,
    }


def test_slots_of_a_job_of_all_tenants_are_those_of_the_named_tenant(api, make, tenant):
    make.tenant("globex", time_zone="Asia/Tokyo")
    url = f"/api/v1/jobs/{job_of(make).public_id}/slots"
    client = api.platform(scopes=SCOPES)
    assert client.get(url).status_code in (400, 422)
    assert client.get(url, {"tenant": "globex"}).json()["slots"][0].endswith("T02:30:00+09:00")


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-10-24T00:00:00"},
        {"from": "0001-01-01T00:00:00Z"},
        {"until": "9999-12-31T23:59:59Z"},
        {"from": "2026-01-01T00:00:00Z", "until": "2029-01-01T00:00:00Z"},
        {"from": "yesterday"},
        {"since": "2026-01-01T00:00:00Z"},
    ],
)
def test_a_period_that_makes_no_sense_is_refused(client, make, tenant, query):
    url = f"/api/v1/jobs/{job_of(make, tenant).public_id}/slots"
    assert client.get(url, query).status_code in (400, 422)


def test_a_long_list_of_slots_says_that_there_are_more(client, make, tenant):
    url = f"/api/v1/jobs/{job_of(make, tenant, cron='* * * * *').public_id}/slots"
    answer = client.get(url, {"from": "2026-10-24T00:00:00Z"}).json()
    assert (len(answer["slots"]), answer["complete"]) == (1000, False)


def test_a_run_is_started_once_for_an_idempotency_key(client, make, tenant):
    url = f"/api/v1/jobs/{job_of(make, tenant).public_id}/runs"
    headers = {"HTTP_IDEMPOTENCY_KEY": "one"}
    first = client.post(url, {"dry": True}, format="json", **headers)
    again = client.post(url, {"dry": True}, format="json", **headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    run = Run.unscoped.get()
    assert (run.is_dry, run.tenant) == (True, tenant)
    assert client.post(url, {}, format="json").status_code == 409


@pytest.mark.corrections(item="3.2")
def test_a_key_that_started_one_job_does_not_answer_for_another(client, make, tenant):
    first, second = (f"/api/v1/jobs/{job_of(make, tenant).public_id}/runs" for _ in range(2))
    headers = {"HTTP_IDEMPOTENCY_KEY": "nightly-7"}
    assert client.post(first, {"dry": True}, format="json", **headers).status_code == 202
    refused = client.post(second, {"dry": True}, format="json", **headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency-key-reused")
    headers = {"HTTP_IDEMPOTENCY_KEY": "nightly-8"}
    assert client.post(second, {"dry": True}, format="json", **headers).status_code == 202
    assert Run.unscoped.count() == 2


def test_runs_are_listed_read_and_cancelled(client, make, tenant):
    job = job_of(make, tenant)
    run = run_of(make, job, reason="throttled", done_count=10, expected_count=40)
    run.log.create(at=NOON, level="info", kind="page_read", parameters={"page": 1})
    (listed,) = client.get(f"/api/v1/runs?job={job.public_id}&state=waiting").json()["items"]
    url = f"/api/v1/runs/{run.public_id}"
    assert client.get(url).json() == listed
    assert listed["sentence"] and listed["progress"]["expected"] == 40
    (entry,) = client.get(f"{url}/log").json()["items"]
    assert (entry["kind"], entry["parameters"]) == ("page_read", {"page": 1})
    assert client.post(f"{url}/cancel").json()["state"] == "cancelled"
    assert client.post(f"{url}/cancel").status_code == 409
    assert client.post(f"{url}/resume").status_code == 409


def test_a_list_of_runs_takes_the_same_number_of_statements(
    client, make, tenant, django_assert_max_num_queries
):
    job = job_of(make, tenant)
    for _ in range(8):
        run_of(make, job)
    with django_assert_max_num_queries(4):
        assert len(client.get("/api/v1/runs").json()["items"]) == 8
