"""Reconcile the orders of 200 tenants in a window of ten minutes, beside live deliveries, with a
real worker: in a first night, and in a second one whose plan knows the first.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bench import seed, slack
from bench.checker import percentile
from bench.figures import Bar, Figure
from bench.incoming.sender import Answer
from bench.installation.processes import wait_until
from bench.installation.sandbox import Sandbox, sandbox_process
from bench.installation.web import serving
from bench.scheduled.night_breaches import count_breaches
from bench.scheduled.night_mentions import WORKSPACES, MentionSender, reaction_times
from bench.scheduled.order_systems import (
    OPTIONS,
    build_order,
    build_record,
    format_number,
)
from bench.scheduled.runner import use_small_pages
from bench.sink.client import Sink
from bench.source import delays, worker
from bench.suite import Options
from hub.audit import ActorContext
from hub.connections.models import Connection, ConnectorApp, Credential
from hub.crypto.sealed import seal
from hub.db.clock import clock
from hub.scheduled.jobs.job_actions import build_job, change_job, create_job
from hub.scheduled.jobs.schedules import create_missing_schedules
from hub.scheduled.models import Job, Run
from hub.scheduled.night.forecast import NightForecast, forecast_night
from tenants.models import Tenant

DATABASES = ("postgresql",)
TENANTS, QUICK_TENANTS = 200, 20
WINDOW, QUICK_WINDOW = timedelta(minutes=10), timedelta(minutes=1)
PARTS = 10  # of the window, whose calls are compared: minutes, unless the bench is quick
MOST_ORDERS, PAGE_SIZE = 180, 20  # of a tenant; of a page
LIVE_TENANTS, LIVE_PER_SECOND, QUIET_SECONDS = 10, 10, 20
END_WITHIN = 300.0  # seconds after the window
SYSTEMS = ("app", "salesforce")
APP_IN_FLIGHT = 16  # calls that the connector of our application allows at the same time
MINUTE, SLOT_LEAD = timedelta(minutes=1), timedelta(seconds=5)
FIELDS = {
    "Opportunity": [{"name": "Number__c", "type": "string", "length": 80, "external_id": True}]
}


@dataclass(frozen=True, slots=True)
class Night:
    """What both systems saw of one night, and its runs."""

    slot_at: datetime
    window: timedelta
    request_times: list[datetime]
    refused_count: int  # requests that were answered 429
    breach_count: int  # of quotas, by the ledgers of the systems
    reaction_times: list[float]  # milliseconds, of mentions that were received meanwhile
    runs: list[Run]

    @property
    def calls_by_part(self) -> list[int]:
        """The calls in each part of the window."""
        length = self.window / PARTS
        parts = Counter(int((time - self.slot_at) / length) for time in self.request_times)
        return [parts[number] for number in range(PARTS)]

    @property
    def busiest_factor(self) -> float:
        """The calls of the busiest part of the window, divided by the mean of all parts."""
        total = sum(self.calls_by_part)
        return max(self.calls_by_part) * PARTS / total if total else 0.0

    @property
    def call_count(self) -> int:
        return len(self.request_times)

    @property
    def ends_at(self) -> datetime:
        return max(run.finished_at for run in self.runs if run.finished_at)


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    count = QUICK_TENANTS if options.quick else TENANTS
    window = QUICK_WINDOW if options.quick else WINDOW
    use_small_pages(PAGE_SIZE)
    seed.empty()
    with sandbox_process() as sandbox:
        os.environ["HUB_EGRESS_ALLOW"] += f",{sandbox.place}"  # of the worker
        live_connections = seed.connections(LIVE_TENANTS, sink.url + "/ok/{}", tenants=LIVE_TENANTS)
        seed.route()
        stage_tenants(sandbox, count)
        slack_app = slack.create_app(sandbox.url, workspaces=WORKSPACES)
        slack.route_mentions()
        seed.settle_down()
        tenants = [seed.tenant_of(row) for row in live_connections]
        with (
            worker(sink, tenants[0]),
            serving() as place,
        ):
            mentions = MentionSender(slack_app, place)
            quiet = percentile(tell_live(sink, tenants, QUIET_SECONDS), 0.95)
            job = create_night_job(window)
            live_p95 = []
            for name in ("first_night", "planned_night"):
                slot_at = schedule_night(job)
                forecast = forecast_night(now=clock())
                seconds = seconds_until(slot_at + window)
                answers = mentions.start(seconds)
                live_delays = tell_live(sink, tenants, seconds)
                live_p95.append(percentile(live_delays, 0.95))
                night = collect_night(sandbox, job, slot_at, window, answers.result())
                yield from night_figures(name, night)
            yield from prediction_figures(forecast, night)
        bar = Bar("<=", max(200, 2 * quiet))
        yield Figure("night_live_p95", max(live_p95), "ms", baseline=quiet, bar=bar)
        most_in_flight = json.loads(sandbox.get("/_control/calls"))["most_in_flight"]
        bar = Bar("<=", APP_IN_FLIGHT)
        yield Figure("night_app_in_flight", most_in_flight.get("app", 0), "", bar=bar)


def night_figures(name: str, night: Night) -> Iterator[Figure]:
    unfinished = sum(run.state != Run.State.FINISHED for run in night.runs)
    print(f"{name}: calls by part of the window {night.calls_by_part}", file=sys.stderr)
    yield Figure(f"{name}_busiest_part", night.busiest_factor, "x mean", bar=Bar("<=", 1.3))
    yield Figure(f"{name}_calls", night.call_count, "")
    yield Figure(f"{name}_429", night.refused_count, "", bar=Bar("==", 0))
    yield Figure(f"{name}_breaches", night.breach_count, "windows", bar=Bar("==", 0))
    react = percentile(night.reaction_times, 0.95)
    yield Figure(f"{name}_react_p95", react, "ms", bar=Bar("<=", 500))
    yield Figure(f"{name}_unfinished", unfinished, "", bar=Bar("==", 0))


def prediction_figures(forecast: NightForecast, night: Night) -> Iterator[Figure]:
    """How far the prediction was off, as a part of what happened."""
    expected_calls = sum(sum(minutes) for minutes in forecast.calls_by_connector.values())
    yield Figure(
        "predicted_calls_off", abs(expected_calls / night.call_count - 1), "", bar=Bar("<=", 0.2)
    )
    assert forecast.ends_at is not None, "the first night is the history of all runs"
    length = (night.ends_at - night.slot_at).total_seconds()
    off = abs((forecast.ends_at - night.ends_at).total_seconds()) / length
    yield Figure("predicted_end_off", off, "", bar=Bar("<=", 0.2))


def tell_live(sink: Sink, tenants: list[Tenant], seconds: float) -> list[float]:
    return delays(sink, tenants, per_second=LIVE_PER_SECOND, seconds=round(seconds))


# --- tenants with orders --------------------------------------------------------------------------


def stage_tenants(sandbox: Sandbox, count: int) -> None:
    """Connect so many tenants, each with an org and orders of its own, and our application."""
    rows = seed.connections(
        count, sandbox.url, tenants=count, connector="salesforce", secret={"access_token": ""}
    )
    orgs: list[dict[str, Any]] = []
    references: list[dict[str, str]] = []
    for number, row in enumerate(rows):
        org, token = f"00D{number:012d}EAA", f"00D{number:012d}!bench"
        orgs.append({"org": org, "access_token": token, "daily_limit": 1_000_000, "fields": FIELDS})
        references.append({"reference": seed.tenant_of(row).reference, "name": f"Bench {number}"})
        row.settings, row.account = {"instance_url": f"{sandbox.url}/salesforce/{org}"}, org
        sealed = seal({"access_token": token, "refresh_token": "5Aep"}, Credential.binding(row))
        Credential.unscoped.filter(connection=row).update(sealed=sealed)
    Connection.unscoped.bulk_update(rows, ["settings", "account"])
    application = {"secret": seed.SECRET["signing_secret"], "tenants": references}
    sandbox.post("/_control/world", {"salesforce": orgs, "app": application})
    ConnectorApp.objects.create(connector_key="app", urls={"api": f"{sandbox.url}/app/api"})
    own_connection = Connection.unscoped.create(connector_key="app", name="our application")
    seed.store_credentials([own_connection], seed.SECRET)
    for number, (account, tenant) in enumerate(zip(orgs, references, strict=True)):
        plant_equal_orders(sandbox, account["org"], tenant["reference"], number)


def plant_equal_orders(sandbox: Sandbox, org: str, reference: str, number: int) -> None:
    """Plant the same orders on both sides: between one page and MOST_ORDERS."""
    keys = [format_number(key) for key in range(PAGE_SIZE + number * 37 % MOST_ORDERS)]
    orders = [build_order(key, "placed", "12.50") for key in keys]
    records = [build_record(key, "Prospecting", 12.5) for key in keys]
    for system, account, object, rows in (
        ("app", reference, "orders", orders),
        ("salesforce", org, "Opportunity", records),
    ):
        wish = {"system": system, "account": account, "object": object, "records": rows}
        sandbox.post("/_control/seed", wish)


# --- the night ------------------------------------------------------------------------------------


def create_night_job(window: timedelta) -> Job:
    """Create the job of all tenants; it has no slot soon."""
    minutes = round(window / MINUTE)
    job = build_job(
        kind="reconcile",
        name="night",
        connector_key="salesforce",
        cron="0 0 29 2 *",
        window_minutes=minutes,
        deadline_minutes=minutes + 5,
        options=dict(OPTIONS),
    )
    create_job(job, ActorContext.system(), now=clock())
    create_missing_schedules(now=clock())
    return job


def schedule_night(job: Job) -> datetime:
    """Give the job a slot at the next minute that is not too close; return the slot."""
    slot_at = (clock() + SLOT_LEAD + MINUTE).replace(second=0, microsecond=0)
    job.cron = f"{slot_at.minute} {slot_at.hour} {slot_at.day} * *"
    change_job(job, ActorContext.system(), now=clock())
    return slot_at


def seconds_until(moment: datetime) -> float:
    return (moment - clock()).total_seconds()


def collect_night(
    sandbox: Sandbox,
    job: Job,
    slot_at: datetime,
    window: timedelta,
    mentions: Sequence[Answer],
) -> Night:
    """Wait until all runs of the slot have ended, and return what they requested."""
    runs = Run.unscoped.filter(job=job, slot_at=slot_at)
    wait_until(
        lambda: runs.exists() and not runs.filter(state__in=Run.OPEN_STATES).exists(),
        within=END_WITHIN,
        every=1.0,
        what="the end of all runs",
    )
    ledger = sandbox.get_rows("/_control/ledger?since=0")
    rows = [
        row
        for row in ledger
        if row["system"] in SYSTEMS
        and row["method"] == "GET"  # the runs find nothing to repair; what is told is POST
        and datetime.fromisoformat(row["at"]) >= slot_at
    ]
    times = [datetime.fromisoformat(row["at"]) for row in rows]
    refused_count = sum(row["status"] == 429 for row in rows)
    breach_count = sum(count_breaches(rows, system) for system in SYSTEMS)
    waits = reaction_times(mentions, ledger)
    return Night(slot_at, window, times, refused_count, breach_count, waits, list(runs))
