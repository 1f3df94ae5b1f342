"""What the probes and the numbers say."""

import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

from hub.db.clock import clock
from hub.health import probes
from hub.health.probes import HealthCheck, SharedChecks, check_health, check_readiness
from hub.mail.models import Mail
from hub.outgoing.models import Delivery
from hub.processes.worker_registry import Worker, record_sweep_failures
from hub.queue import record_heartbeat
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump
from tests.hub.scheduled.logs import entries, store_lines

pytestmark = pytest.mark.django_db

STRANGER = {"REMOTE_ADDR": "203.0.113.7"}

PROBE = """
import os, time, django
django.setup()
from django.test import Client
client = Client(headers={"Host": "hub.test"})
client.get("/livez")  # the first request loads the addresses
began = time.monotonic()
response = client.get("/readyz")
detail = response.json()["checks"]["database"]["detail"]
print(response.status_code, time.monotonic() - began, detail, flush=True)
os._exit(0)  # not waiting for the line's own timeouts
"""


def run_worker(*, now, heard_at=NOON):
    """A worker whose pool was heard, and the sweep."""
    Worker.objects.create(
        id=uuid4(),
        host="here",
        pid=7,
        pool=8,
        started_at=NOON,
        seen_at=now,
        pool_since=NOON,
        heard_at=heard_at,
    )
    record_heartbeat("sweep", now=now)


@pytest.fixture
def healthy_worker(db):
    run_worker(now=NOON)
    for name in ("worker", "canary"):
        record_heartbeat(name, now=NOON)


def list_failed_checks(**at):
    return {name: check.detail for name, check in check_health(**at).items() if not check.ok}


def test_a_process_that_serves_is_alive(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/livez")
    assert (response.status_code, response.json()) == (200, {"alive": True})


def test_a_fresh_installation_is_not_healthy_until_a_worker_runs(db):
    assert list_failed_checks(now=NOON) == {
        "workers": "No worker is running: start `manage.py work`.",
        "pools": "No pool takes tasks from the queue.",
        "sweep": "The sweep does not run.",
    }


def test_a_working_hub_is_healthy(healthy_worker):
    assert list_failed_checks(now=NOON + timedelta(seconds=12)) == {}


def test_the_last_workers_death_is_reported_within_fifteen_seconds(healthy_worker):
    assert list_failed_checks(now=NOON + timedelta(seconds=13)) == {
        "workers": "No worker is running: the last was seen on 2026-11-25 at 12:00:00 UTC.",
        "pools": "No pool takes tasks from the queue.",
    }


def test_one_worker_of_two_is_enough(healthy_worker):
    later = NOON + timedelta(hours=1)
    run_worker(now=later, heard_at=later)
    assert list_failed_checks(now=later) == {}


def test_a_pool_that_hears_nothing_is_reported(db):
    run_worker(now=NOON, heard_at=NOON - timedelta(seconds=21))
    assert list_failed_checks(now=NOON) == {"pools": "No pool takes tasks from the queue."}


def test_a_step_of_the_sweep_that_fails_is_reported_by_name(healthy_worker):
    record_sweep_failures({"expire": "KeyError"}, [], now=NOON)
    assert list_failed_checks(now=NOON) == {
        "sweep": "Steps of the sweep fail since 2026-11-25 12:00:00 UTC: expire (KeyError)."
    }


def test_a_sweep_that_does_not_run_is_reported(healthy_worker):
    later = NOON + timedelta(seconds=61)
    Worker.objects.update(seen_at=later, heard_at=later)
    assert list_failed_checks(now=later) == {"sweep": "The sweep does not run."}


def test_due_deliveries_that_are_not_sent_are_reported(db, make):
    make.delivery()
    later = NOON + timedelta(seconds=121)
    run_worker(now=later, heard_at=later)
    assert list_failed_checks(now=later) == {"deliveries": "Due deliveries are not being sent."}


def test_what_is_held_makes_the_hub_no_less_healthy(healthy_worker, make):
    make.delivery().connection.pause("window", until=None, now=NOON)
    assert "deliveries" not in list_failed_checks(now=NOON + timedelta(days=1))


@pytest.mark.django_db(transaction=True)
def test_health_is_answered_with_each_check(client):
    run_worker(now=clock(), heard_at=clock())
    response = client.get("/healthz")
    assert (response.status_code, response.json()["healthy"]) == (200, True)
    assert set(response.json()["checks"]) == {
        "database",
        "workers",
        "pools",
        "sweep",
        "deliveries",
        "inbox",
    }


@pytest.mark.django_db(transaction=True)
def test_a_process_is_ready_and_accepts_without_any_worker(client, api, make):
    assert client.get("/healthz").status_code == 503
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    response = api.of(make.tenant()).post(
        "/api/v1/events", {"id": "1", "type": "order", "data": {}}, format="json"
    )
    assert response.status_code == 202


@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="it is in this process, and opened to write"
)
def test_a_standby_is_not_ready():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
    assert check_readiness(now=NOON)["database"].detail == "The database is read-only."


class Questions:
    """Checks that count how often they are made, and end when they may."""

    def __init__(self):
        self.asked = 0
        self.may_end = threading.Event()

    def __call__(self, *, now):
        self.asked += 1
        self.may_end.wait(10)
        return {"database": HealthCheck(True, f"Answer {self.asked}.")}


def test_all_who_ask_within_a_second_share_one_reading():
    questions = Questions()
    shared = SharedChecks(questions)
    with ThreadPoolExecutor(20) as threads:
        answers = [threads.submit(shared.read, time=100) for _ in range(20)]
        while not questions.asked:
            time.sleep(0.001)
        questions.may_end.set()
    details = {answer.result()["database"].detail for answer in answers}
    details |= {shared.read(time=100.9)["database"].detail}
    assert (details, questions.asked) == ({"Answer 1."}, 1)
    assert shared.read(time=101)["database"].detail == "Answer 2."


@pytest.mark.skipif(connection.vendor == "sqlite", reason="it is in this process")
def test_a_reading_that_takes_too_long_is_not_waited_for_and_not_begun_again():
    questions = Questions()
    shared = SharedChecks(questions)
    found = [shared.read(time=second) for second in (100, 101.5, 103)]
    questions.may_end.set()
    assert [checks["database"].ok for checks in found] == [False] * 3
    assert questions.asked == 1


def test_checks_that_have_an_error_of_their_own_are_made_again():
    def fails(*, now):
        raise KeyError(now)

    shared = SharedChecks(fails)
    for second in (100, 102):
        with pytest.raises(KeyError):
            shared.read(time=second)


@pytest.mark.django_db(transaction=True)
def test_the_probes_of_a_second_read_the_database_once(client, monkeypatch):
    run_worker(now=clock(), heard_at=clock())
    monkeypatch.setattr(probes, "monotonic", lambda: 100.0)
    assert client.get("/healthz").status_code == 200
    Worker.objects.all().delete()
    assert client.get("/healthz").status_code == 200
    monkeypatch.setattr(probes, "monotonic", lambda: 101.0)
    assert client.get("/healthz").status_code == 503


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/readyz", "/healthz"])
@pytest.mark.parametrize(
    "stranger",
    [
        STRANGER,
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.7"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=203.0.113.7"},
        {"REMOTE_ADDR": ""},
        STRANGER | {"HTTP_AUTHORIZATION": "Bearer hub_nothing"},
    ],
)
def test_strangers_read_one_word(client, path, stranger):
    response = client.get(path, **stranger)
    word = {200: b"ok", 503: b"unavailable"}[response.status_code]
    assert (response.content, response["Content-Type"]) == (word, "text/plain")


@pytest.mark.django_db(transaction=True)
def test_details_need_a_platform_key_that_reads_metrics(api, make):
    keys = [
        api.platform(scopes=["metrics:read"]),
        api.platform(scopes=["events:read"]),
        api.of(make.tenant()),
    ]
    answers = [key.get("/readyz", **STRANGER) for key in keys]
    assert answers[0].json()["checks"]["database"]["ok"]
    assert [answer.content for answer in answers[1:]] == [b"ok", b"ok"]


@pytest.mark.parametrize("listens", [True, False])
def test_a_database_that_is_away_is_reported_within_two_seconds(listens, settings):
    with (
        socket.socket() as silent
    ):  # it takes the connection and says nothing, or is not there at all
        silent.bind(("127.0.0.1", 0))
        if listens:
            silent.listen()
        url = f"postgresql://hub@127.0.0.1:{silent.getsockname()[1]}/hub"
        environment = os.environ | {
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE,
        }
        probe = [sys.executable, "-c", PROBE]
        said = subprocess.run(
            probe, env=environment, capture_output=True, text=True, check=True, timeout=60
        ).stdout
    status, seconds, reason = said.split(" ", 2)
    assert status == "503"
    assert float(seconds) < 2
    assert "The database" in reason


# --- the numbers ----------------------------------------------------------------------------------


@pytest.fixture
def prometheus(api):
    return api.platform(scopes=["metrics:read"])


def numbers(client):
    response = client.get(
        "/metrics",
        headers={"Accept": "application/openmetrics-text;q=0.9, text/plain;q=0.5, */*;q=0.1"},
    )
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = response.content.decode().splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")
    }


def test_deliveries_are_counted_as_they_read(make, prometheus):
    connection = make.connection()
    for state in ("waiting", "waiting", "held", "failed", "delivered"):
        row = make.delivery(connection)
        Delivery.unscoped.filter(pk=row.pk).update(
            state=state, reason="mapping_failed" if state == "held" else ""
        )
    connection.pause("window", until=None, now=NOON)
    make.delivery()
    told = numbers(prometheus)
    assert {
        state: told[f'hub_deliveries{{state="{state}"}}']
        for state in ("waiting", "held", "failed", "sending")
    } == {
        "waiting": 1,
        "held": 3,
        "failed": 1,
        "sending": 0,
    }
    assert told['hub_held_deliveries{reason="paused"}'] == 2
    assert told['hub_held_deliveries{reason="mapping_failed"}'] == 1
    assert told["hub_due_deliveries"] == 1
    assert told["hub_oldest_due_seconds"] == pytest.approx((clock() - NOON).total_seconds(), abs=5)


def test_attempts_events_heartbeats_and_latency_are_measured(make, prometheus, healthy_worker):
    make.delivery()
    pump(FakeHttp())
    told = numbers(prometheus)
    assert told['hub_attempts_total{outcome="delivered"}'] == 1
    assert told["hub_events_total"] >= 1
    assert told['hub_heartbeat_age_seconds{name="canary"}'] == pytest.approx(
        (clock() - NOON).total_seconds(), abs=5
    )
    assert told["hub_database_latency_seconds"] > 0
    assert told['hub_pumps{place="all"}'] == 0  # the worker was seen long ago


def test_failures_of_the_sweep_are_counted_by_step(prometheus):
    for _ in range(2):
        record_sweep_failures({"expire": "KeyError"}, [], now=NOON)
    assert numbers(prometheus)['hub_sweep_failures_total{step="expire"}'] == 2


def test_waiting_and_dead_mails_are_measured(make, prometheus):
    for _ in range(2):
        make.invitation(make.tenant(), now=NOON)
    Mail.objects.filter(pk=Mail.objects.first().pk).update(state="failed")
    told = numbers(prometheus)
    assert (told['hub_mails{state="waiting"}'], told['hub_mails{state="failed"}']) == (1, 1)
    assert told["hub_oldest_mail_seconds"] == pytest.approx((clock() - NOON).total_seconds(), abs=5)


def test_unshipped_lines_are_measured(make, prometheus):
    store_lines(make.tenant(), *entries(3), now=NOON)
    store_lines(make.tenant(), *entries(2), now=NOON + MINUTE)
    told = numbers(prometheus)
    assert told['hub_log_backlog_lines{source="api"}'] == 5
    lag = told['hub_log_lag_seconds{source="api"}']
    assert lag == pytest.approx((clock() - NOON).total_seconds(), abs=5)


def test_the_numbers_cost_a_fixed_number_of_statements(make, prometheus, django_assert_num_queries):
    prometheus.get("/metrics")
    for _ in range(2):
        make.delivery()
        with django_assert_num_queries(29):
            prometheus.get("/metrics")


def test_the_numbers_are_for_a_platform_key_with_the_scope(api, make, client):
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 401
    assert api.of(make.tenant()).get("/metrics").json()["code"] == "scope-missing"
    assert api.platform(scopes=["events:read"]).get("/metrics").status_code == 403
