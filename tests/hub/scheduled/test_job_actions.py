"""Jobs are checked, audited and scheduled; runs are started, cancelled and resumed by people."""

import pytest

from hub.audit import ActorContext
from hub.audit.models import AuditRow
from hub.connections.actions.kill_switches import switch_off, switch_on
from hub.connections.models import KillSwitch
from hub.db.state_machine import InvalidTransition
from hub.processes.leases import new_lease
from hub.queue import WakeUp
from hub.scheduled.jobs import job_actions
from hub.scheduled.jobs.job_checks import InvalidJob
from hub.scheduled.jobs.schedules import create_schedule
from hub.scheduled.models import Job, JobSchedule, Run
from hub.scheduled.runs import claim
from hub.scheduled.runs.open_runs import skip_runs_past_window
from hub.scheduled.runs.run_actions import RunRefused, cancel_run, resume_run, start_run
from tests.factories import NOON
from tests.hub.scheduled.run_helpers import after, job_of, read_three_pages, run_due, run_of

SYSTEM = ActorContext.system()


@pytest.fixture(autouse=True)
def executors(run_reports):
    run_reports(read_three_pages)


def new_job(tenant, **fields):
    columns = {"kind": "report", "name": "Sales", "connector_key": "slack", "cron": "0 9 * * mon"}
    return job_actions.build_job(tenant=tenant, **columns | fields)


def audited():
    return list(AuditRow.objects.order_by("pk").values_list("verb", flat=True))


def test_a_job_is_created_with_its_schedule_and_audited(make):
    tenant = make.tenant(time_zone="Europe/Berlin")
    job = job_actions.create_job(new_job(tenant), SYSTEM, now=NOON)
    schedule = JobSchedule.unscoped.get(job=job)
    assert (schedule.tenant, schedule.time_zone) == (tenant, "Europe/Berlin")
    assert schedule.next_slot_at.isoformat() == "2026-11-30T08:00:00+00:00"
    assert (job.window_minutes, job.deadline_minutes) == (15, 135)
    assert audited() == ["job.create"]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"cron": "0 0 31 2 *"}, "cron"),
        ({"connector_key": "nothing"}, "connector_key"),
        ({"connector_key": "app"}, "connector_key"),
        ({"window_minutes": 0}, "window_minutes"),
        ({"deadline_minutes": 8 * 24 * 60}, "deadline_minutes"),
        ({"name": ""}, "name"),
    ],
)
def test_an_invalid_job_is_refused_with_the_path(make, fields, path):
    with pytest.raises(InvalidJob) as refused:
        job_actions.create_job(new_job(make.tenant(), **fields), SYSTEM, now=NOON)
    assert path in refused.value.errors


def test_a_jobs_connection_is_its_tenants_and_of_its_system(make):
    tenant = make.tenant()
    foreign, other = make.connection(connector="slack"), make.connection(tenant, "splunk")
    for connection in (foreign, other):
        with pytest.raises(InvalidJob):
            job = new_job(tenant, connection=connection)
            job_actions.create_job(job, SYSTEM, now=NOON)
    with pytest.raises(InvalidJob):
        own = make.connection(tenant, "slack")
        job_actions.create_job(new_job(None, connection=own), SYSTEM, now=NOON)


def test_a_tenant_has_a_hundred_jobs_at_most(make):
    tenant = make.tenant()
    for _ in range(job_actions.MAX_JOBS):
        make.job(tenant)
    with pytest.raises(InvalidJob):
        job_actions.create_job(new_job(tenant), SYSTEM, now=NOON)
    job_actions.create_job(new_job(make.tenant()), SYSTEM, now=NOON)


def test_a_changed_schedule_begins_now_and_another_change_leaves_it(make):
    job = job_of(make, make.tenant(), cron="0 * * * *")
    schedule = JobSchedule.unscoped.get(job=job)
    job.name = "Another name"
    job_actions.change_job(job, SYSTEM, now=after(hours=5))
    schedule.refresh_from_db()
    assert schedule.next_slot_at == after(hours=1)
    job.cron = "30 * * * *"
    job_actions.change_job(job, SYSTEM, now=after(hours=5))
    schedule.refresh_from_db()
    assert schedule.next_slot_at == after(hours=5, minutes=30)
    job_actions.change_job(job, SYSTEM, now=after(hours=6))
    assert audited() == ["job.change", "job.change"]


def test_a_disabled_job_skips_what_waits_and_not_what_runs(make):
    job = job_of(make, make.tenant())
    waiting = run_of(make, job, slot_at=NOON)
    started = run_of(make, job, state="running", started_at=NOON)
    requested = run_of(make, job)
    job_actions.disable_job(job, SYSTEM, now=NOON)
    for run in (waiting, started, requested):
        run.refresh_from_db()
    assert (waiting.state, waiting.reason) == ("skipped", "job_disabled")
    assert (started.state, requested.state) == ("running", "waiting")
    assert JobSchedule.unscoped.get(job=job).next_slot_at is None
    job_actions.enable_job(job, SYSTEM, now=NOON)
    assert JobSchedule.unscoped.get(job=job).next_slot_at is not None


def test_a_job_with_a_started_run_is_not_deleted(make):
    job = job_of(make, make.tenant())
    run = run_of(make, job, state="blocked", started_at=NOON)
    with pytest.raises(job_actions.JobInUse):
        job_actions.delete_job(job, SYSTEM, now=NOON)
    cancel_run(run, SYSTEM, now=NOON)
    job_actions.delete_job(job, SYSTEM, now=NOON)
    assert not Job.unscoped.exists() and not Run.unscoped.exists()


def test_an_excluded_tenants_waiting_runs_are_skipped(make):
    job, tenant = job_of(make), make.tenant()
    run = run_of(make, job, tenant, slot_at=NOON)
    schedule = create_schedule(job, tenant, now=NOON)
    job_actions.set_excluded(schedule, SYSTEM, is_excluded=True, now=NOON)
    run.refresh_from_db()
    assert (run.state, JobSchedule.unscoped.get().is_excluded) == ("skipped", True)
    job_actions.set_excluded(schedule, SYSTEM, is_excluded=False, now=NOON)
    assert audited() == ["job.exclude_tenant", "job.include_tenant"]


def test_a_run_is_started_by_hand_once_and_wakes_the_loop(make):
    connection = make.connection(make.tenant(), "slack")
    job = job_of(make, connection.tenant, is_enabled=False)
    run = start_run(job, connection.tenant, SYSTEM, is_dry=True, now=NOON)
    assert (run.slot_at, run.is_dry, run.state) == (None, True, "waiting")
    assert WakeUp.objects.filter(name="run").exists()
    with pytest.raises(RunRefused):
        start_run(job, connection.tenant, SYSTEM, now=NOON)
    run_due()
    run.refresh_from_db()
    assert run.state == "finished"
    assert audited() == ["run.start"]


def test_a_suspended_tenants_run_is_not_started(make):
    tenant = make.tenant(suspended_at=NOON)
    with pytest.raises(RunRefused):
        start_run(job_of(make, tenant), tenant, SYSTEM, now=NOON)


def test_one_switch_stops_all_scheduled_work(make):
    run = run_of(make, window_ends_at=after(hours=1))
    switch = KillSwitch(scope="scheduled", reason="an incident")
    switch_off(switch, SYSTEM, now=NOON)
    assert claim.claim_runs(5, new_lease(), now=NOON) == []
    with pytest.raises(RunRefused):
        start_run(run.job, make.tenant(), SYSTEM, now=NOON)
    late = run_of(make, window_ends_at=NOON)
    skip_runs_past_window(now=NOON)
    late.refresh_from_db()
    assert (late.state, late.reason) == ("skipped", "switched_off")
    switch_on(switch, SYSTEM, now=NOON)
    assert claim.claim_runs(5, new_lease(), now=NOON) == [run]


def test_a_switch_of_scheduled_work_stops_no_delivery(make):
    connection = make.connection(make.tenant(), "slack")
    switch_off(KillSwitch(scope="scheduled", reason="an incident"), SYSTEM, now=NOON)
    connection.lane.refresh_from_db()
    assert connection.lane.switched_off_by == ""


def test_a_waiting_run_is_cancelled_at_once_and_a_running_one_when_it_stops(make):
    waiting = cancel_run(run_of(make), SYSTEM, now=NOON)
    running = cancel_run(run_of(make, state="running", lease=new_lease()), SYSTEM, now=NOON)
    assert (waiting.state, running.state) == ("cancelled", "running")
    assert claim.extend_leases({running.pk: running.lease}, now=NOON) == {running.pk: "cancelled"}
    with pytest.raises(InvalidTransition):
        cancel_run(waiting, SYSTEM, now=NOON)


def test_a_blocked_run_is_resumed_by_a_person(make):
    run = run_of(make, state="blocked", reason="too_many_changes", started_at=NOON)
    assert resume_run(run, SYSTEM, now=NOON).state == "waiting"
    assert claim.claim_runs(5, new_lease(), now=NOON) == [run]
    with pytest.raises(InvalidTransition):
        resume_run(run, SYSTEM, now=NOON)
