"""Staff's pages of jobs, schedules and runs, and the night at a glance."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from hub.audit import AuditRow
from hub.db.clock import clock
from hub.scheduled.models import Job, Run, RunLogEntry
from tests.hub.portal.query_counts import count_queries
from tests.hub.scheduled.night.builders import DAY, create_job, create_run, create_schedule
from tests.markup import normalize_markup
from tests.scheduled_factories import OPTIONS

pytestmark = pytest.mark.django_db
NIGHT = reverse("admin:scheduled_run_night")


@pytest.fixture
def superuser(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client


def load_page(client, name, *args, query=""):
    answer = client.get(reverse(f"admin:scheduled_{name}", args=args) + query)
    assert answer.status_code == 200, answer
    return normalize_markup(answer.content.decode())


@pytest.fixture
def acme(make):
    return make.tenant("acme", name="Acme Teas", time_zone="Europe/Berlin")


@pytest.fixture
def job(acme):
    job = create_job(acme, cron="30 2 * * *", options=OPTIONS)
    create_schedule(job, acme, next_slot_at=clock() + DAY / 8, time_zone="Europe/Berlin")
    return job


def test_jobs_are_listed_and_a_job_shows_its_schedule_options_and_runs(superuser, acme, job):
    create_run(job, acme)
    assert "Every day at 02:30" in load_page(superuser, "job_changelist")
    text = load_page(superuser, "job_change", job.pk)
    assert text.count("02:30 CE") == 3
    assert "update_record" in text and "Europe/Berlin" in text and "finished" in text


def test_staff_do_not_read_what_is_written_to_customers(superuser, acme):
    job = create_job(None)
    create_schedule(job, acme, next_slot_at=clock() + DAY, is_excluded=True)
    text = load_page(superuser, "job_change", job.pk)
    assert "Contact us" not in text and "Our team" not in text
    own = load_page(superuser, "job_change", create_job(acme).pk)
    assert "Our team" not in own


def test_a_run_shows_what_was_planned_what_it_cost_and_its_log(superuser, acme, job):
    run = create_run(
        job,
        acme,
        calls={"salesforce|account|00D|": 1_207},
        expected_seconds=90,
        expected_calls={"salesforce": 1_100},
        reason="",
        result={"compared": 12_000},
    )
    RunLogEntry.unscoped.create(run=run, at=clock(), level="info", kind="started")
    text = load_page(superuser, "run_change", run.pk)
    for part in ("1,207", "1,100 calls", "90 s", "12,000", "Started."):
        assert part in text, part
    assert superuser.get(reverse("admin:scheduled_run_live", args=[run.pk])).status_code == 200


def test_runs_are_filtered_by_job(superuser, acme, job):
    create_run(job, acme)
    create_run(create_job(acme, name="Another one"), acme)
    assert "Another one" in load_page(superuser, "run_changelist")
    assert "Another one" not in load_page(superuser, "run_changelist", query=f"?job={job.pk}")
    assert "Nightly orders" not in load_page(superuser, "run_changelist", query="?job=x")


def coming_night(make, count=12, *, calls=120, seconds=300):
    """A job of all tenants whose runs took so long last night, in two hours again."""
    slot_at = (clock() + DAY / 12).replace(second=0, microsecond=0)
    cron = f"{slot_at.minute} {slot_at.hour} * * *"
    job = create_job(None, cron=cron, window_minutes=60, deadline_minutes=120)
    for number in range(count):
        tenant = make.tenant(f"night-{number}")
        units = {f"salesforce|account|00D{number}|": calls, "app|app||requests": calls}
        create_run(job, tenant, slot_at=slot_at - DAY, seconds=seconds, calls=units)
        create_schedule(job, tenant, next_slot_at=slot_at)
    return job


def test_the_coming_night_is_shown_before_it_happens(superuser, make):
    coming_night(make)
    text = normalize_markup(superuser.get(NIGHT).content.decode())
    assert "Calls to Salesforce in a minute" in text
    assert "1,440 calls in all" in text
    assert "100,000 calls in a day" in text and "80 %" in text
    assert text.count(">planned</span>") == 12 + 2  # and the legends of two charts


def test_runs_that_will_miss_their_deadline_are_named_with_the_reason(superuser, make):
    coming_night(make, 2, seconds=3 * 60 * 60)
    text = normalize_markup(superuser.get(NIGHT).content.decode())
    assert text.count(">late</span>") == 2
    assert "Its past runs took 180 minutes" in text


def test_the_last_night_is_shown_beside_its_plan(superuser, acme, job):
    slot_at = clock() - DAY / 8
    create_run(
        job,
        acme,
        slot_at=slot_at,
        seconds=600,
        calls={"app|app||requests": 600},
        expected_seconds=540,
        expected_calls={"app": 540},
    )
    late = create_run(
        create_job(acme, name="Late one"),
        acme,
        slot_at=slot_at,
        deadline_at=slot_at,
        state="running",
        finished_at=None,
    )
    text = normalize_markup(superuser.get(NIGHT + "?night=last").content.decode())
    assert "600 calls in all" in text and "540 calls were planned" in text
    assert f">{late.job.name}</a>" in text and "It took 180 minutes." in text


def test_few_calls_of_a_long_run_are_visible_in_each_column(superuser, acme, job):
    calls, four_hours = {"slack|calls||": 12}, 4 * 60 * 60
    create_run(job, acme, slot_at=clock() - DAY / 4, seconds=four_hours, calls=calls)
    text = normalize_markup(superuser.get(NIGHT + "?night=last").content.decode())
    assert "12 calls in all, less than 1 in" in text
    assert text.count('<rect class="good"') == text.count('<td class="figure">less than 1</td>') > 9


def test_a_system_that_none_of_the_planned_calls_reached_is_shown(superuser, acme, job):
    create_run(
        job,
        acme,
        slot_at=clock() - DAY / 8,
        calls={"app|app||requests": 600},
        expected_seconds=540,
        expected_calls={"app": 540, "slack": 20},
    )
    text = normalize_markup(superuser.get(NIGHT + "?night=last").content.decode())
    assert "Calls to Slack in a minute" in text
    assert "0 calls in all" in text and "20 calls were planned" in text


def test_a_night_without_runs_names_the_next_step(superuser):
    for query in ("", "?night=last"):
        assert "No run was due" in superuser.get(NIGHT + query).content.decode()


def test_the_night_of_all_tenants_is_not_for_staff_of_some(make, client, acme):
    client.force_login(make.staff(acme))
    assert client.get(NIGHT).status_code == 403


def test_more_tenants_cost_no_more_statements(superuser, make, acme, job):
    coming_night(make, 2)
    pages = [
        NIGHT,
        NIGHT + "?night=last",
        *(reverse(f"admin:scheduled_{name}_changelist") for name in ("job", "run", "jobschedule")),
    ]
    before = [count_queries(superuser, page) for page in pages]
    for number in range(5):
        other = make.tenant(f"other-{number}")
        own = create_job(other)
        create_schedule(own, other, next_slot_at=clock() + timedelta(hours=1))
        create_run(own, other, slot_at=clock() - timedelta(hours=1))
    assert [count_queries(superuser, page) for page in pages] == before


STAFF_FORM = {
    "owner": "",
    "name": "Everybody's sales",
    "kind": "report",
    "connector_key": "slack",
    "cron": "0 9 * * mon",
    "window_minutes": "30",
    "deadline_minutes": "",
    "catch_up": "skip",
    "options": "{}",
    "priority": "3",
    "concurrency_group": "reports",
}


def post(client, name, data=None, args=()):
    answer = client.post(reverse(f"admin:scheduled_{name}", args=args), data or {}, follow=True)
    assert answer.status_code == 200, answer
    return normalize_markup(answer.content.decode())


def run_row_action(client, model, row, verb, data=None):
    return post(client, f"{model}_verb", data, args=[row.pk, verb])


def test_staff_add_a_job_of_all_tenants_and_change_it(superuser):
    assert "Every Monday at 09:00" in post(superuser, "job_new", STAFF_FORM)
    job = Job.unscoped.get()
    assert (job.tenant, job.priority, job.concurrency_group) == (None, 3, "reports")
    assert 'value="30"' in load_page(superuser, "job_edit", job.pk)
    post(superuser, "job_edit", STAFF_FORM | {"window_minutes": "90"}, args=[job.pk])
    job.refresh_from_db()
    assert (job.window_minutes, job.priority) == (90, 3)
    verbs = AuditRow.objects.order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["job.create", "job.change"]


def test_staff_add_a_job_of_one_tenant(superuser, make, acme):
    make.connection(acme, "slack")
    post(superuser, "job_new", STAFF_FORM | {"owner": "acme"})
    assert Job.unscoped.get().tenant == acme
    assert "No tenant has this reference" in post(
        superuser, "job_new", STAFF_FORM | {"owner": "nobody"}
    )


def test_errors_of_a_job_are_shown_at_their_fields(superuser):
    text = post(superuser, "job_new", STAFF_FORM | {"options": '{"colour": 1}', "cron": "x"})
    assert "This is not a schedule" in text
    assert not Job.unscoped.exists()


def test_staff_of_a_tenant_add_no_job_of_all_tenants(make, client, acme):
    user = make.staff(acme)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="scheduled"))
    client.force_login(user)
    assert "required" in post(client, "job_new", STAFF_FORM)
    shared = create_job(None)
    assert client.get(reverse("admin:scheduled_job_edit", args=[shared.pk])).status_code == 403


def test_staff_disable_enable_start_and_delete_a_job(superuser, acme, job):
    assert "The job is disabled." in run_row_action(superuser, "job", job, "disable")
    assert "The job is enabled." in run_row_action(superuser, "job", job, "enable")
    assert "The run has been started." in run_row_action(superuser, "job", job, "start")
    run = Run.unscoped.get()
    assert "waits already" in run_row_action(superuser, "job", job, "start")
    assert "being cancelled" in run_row_action(superuser, "run", run, "cancel")
    assert "have been deleted" in run_row_action(superuser, "job", job, "delete", {"sure": "on"})
    assert not Job.unscoped.exists()


def test_a_job_whose_options_are_not_valid_any_more_can_be_disabled(superuser, acme, job):
    Job.unscoped.filter(pk=job.pk).update(options={"mode": "of former days"})
    assert "The job is disabled." in run_row_action(superuser, "job", job, "disable")
    assert "The job is disabled." not in run_row_action(superuser, "job", job, "enable")
    job.refresh_from_db()
    assert not job.is_enabled


def test_staff_prioritise_a_tenant_leave_it_out_and_include_it(superuser, make, acme):
    job = create_job(None)
    schedule = create_schedule(job, acme, next_slot_at=clock() + DAY)
    run_row_action(superuser, "jobschedule", schedule, "prioritise", {"priority": "5"})
    run_row_action(superuser, "jobschedule", schedule, "leave_out", {"sure": "on"})
    schedule.refresh_from_db()
    assert (schedule.priority, schedule.is_excluded) == (5, True)
    assert "left out" in load_page(superuser, "job_change", job.pk)
    run_row_action(superuser, "jobschedule", schedule, "include")
    schedule.refresh_from_db()
    assert not schedule.is_excluded
    run_row_action(superuser, "jobschedule", schedule, "start")
    assert Run.unscoped.get().tenant == acme


def test_a_blocked_run_is_continued(superuser, acme, job):
    run = create_run(job, acme, state="blocked", finished_at=None, reason="not_connected")
    assert "The run continues." in run_row_action(superuser, "run", run, "resume")


def test_the_table_of_a_report_keeps_its_columns_and_its_log_is_in_sentences(superuser, acme, job):
    table = "Day  Orders\n<Mon>     2"
    run = create_run(job, acme, result={"table": table, "summary": "Orders: 2"})
    for kind in ("figures_read", "picture_refused"):
        RunLogEntry.unscoped.create(run=run, at=clock(), level="info", kind=kind)
    page = superuser.get(reverse("admin:scheduled_run_change", args=[run.pk])).content.decode()
    assert "<pre>Day  Orders\n&lt;Mon&gt;     2</pre>" in page
    assert "The figures of the report were read." in page
    assert "The system did not take the chart." in page
