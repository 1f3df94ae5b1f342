"""Start, cancel and resume runs, each with its audit row; what people can do with a job."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from django import forms
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hub.actions import FOR_STAFF, Action, ActionForm, declare_actions
from hub.audit import ActorContext
from hub.crypto.redaction import shorten
from hub.db.state_machine import InvalidTransition
from hub.problems import Refusal
from hub.reason_codes import REASONS
from hub.scheduled.jobs.job_actions import (
    OWN_JOB_ACTIONS,
    WRITE_SCOPE,
    set_excluded,
    set_tenant_priority,
)
from hub.scheduled.jobs.schedules import create_schedule
from hub.scheduled.models import Job, JobSchedule, Run
from hub.scheduled.runs.claim import is_switched_off
from hub.scheduled.runs.due_runs import get_start_window
from hub.scheduled.runs.loop_count import wake_runs
from hub.scheduled.runs.open_runs import resume_run_row
from hub.scheduled.runs.results import add_log_entry
from tenants.models import Tenant

PRIORITY_MAX = 100
MAX_LABEL_LENGTH = 200  # characters of the name of who requested a run


class RunRefused(Refusal):
    """The run cannot be started; `reason` is a reason code."""

    def __init__(self, reason: str, sentence: str | Promise) -> None:
        super().__init__(sentence)
        self.reason = reason


@transaction.atomic
def start_run(
    job: Job, tenant: Tenant, actor: ActorContext, *, is_dry: bool = False, now: datetime
) -> Run:
    """Create a run outside of the schedule, due now, and wake the loop of runs.

    It waits while another run of the job and tenant has not ended. Raises RunRefused if the tenant
    is suspended, scheduled work is switched off, or another requested run is already waiting.
    """
    schedule = create_schedule(job, tenant, now=now)
    JobSchedule.unscoped.select_for_update(no_key=True).get(pk=schedule.pk)  # one after the other
    _check_start(job, tenant)
    run = Run.unscoped.create(
        job=job,
        tenant=tenant,
        is_dry=is_dry,
        requested_by=shorten(actor.actor.label, MAX_LABEL_LENGTH),
        due_at=now,
        window_ends_at=now + get_start_window(job),
        deadline_at=now + timedelta(minutes=job.deadline_minutes),
        created_at=now,
    )
    after = {"job": job.public_id, "is_dry": is_dry}
    actor.audit("run.start", run, tenant=tenant, after=after, now=now)
    wake_runs(now=now)
    return run


def _check_start(job: Job, tenant: Tenant) -> None:
    if tenant.suspended:
        raise RunRefused("tenant_suspended", _(REASONS["tenant_suspended"].sentence))
    if is_switched_off():
        raise RunRefused("switched_off", _("Scheduled work is switched off."))
    requested = Run.unscoped.filter(job=job, tenant=tenant, slot_at=None, state="waiting")
    if requested.filter(started_at=None).exists():
        raise RunRefused("already_requested", _("A requested run of this job waits already."))


def start_requested_run(job: Job, actor: ActorContext, *, is_dry: bool, now: datetime) -> Run:
    """Start a run of the job's tenant, or of the actor's for a job of all tenants."""
    return start_run(job, job.tenant or actor.limited_tenant, actor, is_dry=is_dry, now=now)


@transaction.atomic
def cancel_run(run: Run, actor: ActorContext, *, now: datetime) -> Run:
    """End a waiting run; a run in execution ends at its next page or call.

    What it has done already is kept. Raises InvalidTransition if it has ended.
    """
    stored = Run.unscoped.select_for_update(no_key=True, of=("self",)).get(pk=run.pk)
    if stored.state not in Run.OPEN_STATES:
        raise InvalidTransition(stored, "cancelled")
    if stored.state == "running":
        stored.cancel_requested_at = stored.cancel_requested_at or now
        stored.save(update_fields=["cancel_requested_at"])
    else:
        stored.transition_to("cancelled", cancel_requested_at=now, finished_at=now)
        add_log_entry(stored, "cancelled", now=now)
    actor.audit("run.cancel", stored, tenant=run.tenant, now=now)
    run.refresh_from_db()
    return run


@transaction.atomic
def resume_run(run: Run, actor: ActorContext, *, now: datetime) -> Run:
    """Let a blocked run continue, after a person has resolved the cause.

    Raises InvalidTransition if it is not blocked.
    """
    if not resume_run_row(run, now=now):
        raise InvalidTransition(run, "waiting")
    actor.audit("run.resume", run, tenant=run.tenant, before={"reason": run.reason}, now=now)
    run.refresh_from_db()
    wake_runs(now=now)
    return run


RUN_ACTIONS = declare_actions(
    Action[Run](
        name="resume",
        label=_("Continue"),
        question=_(
            "A blocked run continues at once. Most continue by themselves when their connection "
            "works again."
        ),
        success=_("The run continues."),
        summary="Resume a blocked run",
        run=resume_run,
        is_available=lambda run: run.state == Run.State.BLOCKED,
        scope=WRITE_SCOPE,
        icon="play_arrow",
        tone="primary",
    ),
    Action[Run](
        name="cancel",
        label=_("Cancel this run"),
        question=_("The run ends at its next page or call. What it has done stays done."),
        success=_("The run is being cancelled."),
        summary="Cancel a run",
        run=cancel_run,
        is_available=lambda run: run.state in Run.OPEN_STATES and not run.cancel_requested_at,
        scope=WRITE_SCOPE,
        icon="close",
        tone="danger",
    ),
)

STARTED_BY_PROGRAMS = "Programs POST to the runs of the job, with an Idempotency-Key."
START_ACTIONS = declare_actions(
    Action[Job](
        name="start",
        label=_("Start now"),
        question=_("A run starts at once, outside of the schedule."),
        success=_("The run has been started."),
        run=partial(start_requested_run, is_dry=False),
        icon="play_arrow",
        tone="primary",
        creates=True,
        withheld={"rest": STARTED_BY_PROGRAMS},
    ),
    Action[Job](
        name="dry",
        label=_("Dry run: change nothing"),
        question=_("A run starts at once that shows what it would do. It changes nothing."),
        success=_("The run has been started."),
        run=partial(start_requested_run, is_dry=True),
        icon="visibility",
        creates=True,
        withheld={"rest": STARTED_BY_PROGRAMS},
    ),
)
JOB_ACTIONS = declare_actions(*START_ACTIONS.values(), *OWN_JOB_ACTIONS.values())


class PriorityForm(ActionForm):
    priority = forms.IntegerField(
        label="Priority",
        min_value=-PRIORITY_MAX,
        max_value=PRIORITY_MAX,
        help_text="Of the runs of a slot a greater priority starts first. 0 is usual.",
    )


SCHEDULE_ACTIONS = declare_actions(
    replace(
        START_ACTIONS["start"],
        run=lambda schedule, actor, *, now: start_run(
            schedule.job, schedule.tenant, actor, now=now
        ),
        withheld=FOR_STAFF,
    ),
    Action[JobSchedule](
        name="prioritise",
        label="Prioritise",
        question="Its runs start before or after those of other tenants at the same time.",
        success="It applies from the next slot on.",
        run=set_tenant_priority,
        form=PriorityForm,
        icon="priority_high",
        withheld=FOR_STAFF,
    ),
    Action[JobSchedule](
        name="leave_out",
        label="Leave out",
        question="The job does not run for this tenant until it is included again.",
        success="The tenant is left out.",
        run=partial(set_excluded, is_excluded=True),
        form=ActionForm,
        is_available=lambda schedule: not schedule.is_excluded,
        icon="block",
        withheld=FOR_STAFF,
    ),
    Action[JobSchedule](
        name="include",
        label="Include",
        question="The job runs for this tenant again, from its next time on.",
        success="The tenant is included again.",
        run=partial(set_excluded, is_excluded=False),
        is_available=lambda schedule: schedule.is_excluded,
        icon="check",
        withheld=FOR_STAFF,
    ),
)
