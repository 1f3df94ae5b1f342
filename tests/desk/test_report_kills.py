"""A worker is killed in the middle of a report: its message is posted once, by another one."""

import json

import pytest

from bench.installation import environments
from bench.installation.processes import wait_until
from bench.installation.sandbox import sandbox_process
from tests.desk.worker_processes import WorkerProcesses

SEED = """
import django; django.setup()
from bench import seed
from hub.audit import ActorContext
from hub.connections.models import ConnectorApp
from hub.db.clock import clock
from hub.scheduled.jobs.job_actions import build_job, create_job
from hub.scheduled.runs.run_actions import start_run
(slack,) = seed.connections(1, "", connector="slack", secret={{"access_token": "xoxb-acme-1"}})
slack.account = "T0000ACME"
slack.save()
ConnectorApp.objects.create(connector_key="slack", urls={{"api": "{url}/slack/api"}})
message = {{"connector": "slack", "action": "post_message", "channel": "C0000ORD1"}}
query = {{"kind": "own", "count": "events"}}
job = build_job(
    tenant=slack.tenant, kind="report", name="Sales", connector_key="slack", cron="0 9 * * mon",
    options={{"query": query, "message": message}},
)
create_job(job, ActorContext.system(), now=clock())
start_run(job, slack.tenant, ActorContext.system(), now=clock())
"""
ENDED = "SELECT run.state, delivery.state FROM scheduled_run run, outgoing_delivery delivery"
# its figures are stored, its message is written and not committed, and it is committed
PLACES = ["J3=kill@1", "J2=kill@3", "J3=kill@3"]

pytestmark = [pytest.mark.desk, pytest.mark.timeout(180)]


@pytest.fixture
def sandbox():
    with sandbox_process() as running:
        yield running


@pytest.fixture
def place(sandbox, tmp_path):
    done = tmp_path / "done"
    done.mkdir()
    with environments.sqlite_environment() as environment:
        environment |= {
            "HUB_FAILPOINTS_DONE": str(done),
            "HUB_EGRESS_ALLOW": f"{environment['HUB_EGRESS_ALLOW']},{sandbox.place}",
        }
        worker_processes = WorkerProcesses(environment)
        worker_processes.run(SEED.format(url=sandbox.url))
        yield worker_processes, done
        worker_processes.end()


def list_posts(sandbox):
    rows = [row for row in sandbox.get_rows("/_control/ledger?since=0") if row["system"] == "slack"]
    return [row for row in rows if "chat.postMessage" in row["path"]]


@pytest.mark.parametrize("failpoint", PLACES)
def test_a_report_is_posted_once_whenever_its_worker_is_killed(sandbox, place, failpoint):
    there, done = place
    there.environment["HUB_FAILPOINTS"] = failpoint
    there.work()
    wait_until(
        lambda: there.ask(ENDED) == [("finished", "delivered")],
        within=120,
        every=0.2,
        what="the delivery of the report",
    )
    assert [path.name for path in done.iterdir()] == [failpoint[:2]]
    (post,) = list_posts(sandbox)
    assert "Sales" in json.dumps(post)
