"""Start, cancel and resume runs; each writes its audit row."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hub.actions import Action, declare_actions
from hub.audit import ActorContext
from hub.crypto.redaction import shorten
from hub.db.state_machine import InvalidTransition
from hub.problems import Refusal
from hub.scheduled.jobs.schedules import create_schedule
from hub.scheduled.models import Job, JobSchedule, Run
from hub.scheduled.runs.claim import is_switched_off
from hub.scheduled.runs.due_runs import get_start_window
from hub.scheduled.runs.loop_leases import wake_runs
from hub.scheduled.runs.open_runs import resume_run_row
from hub.scheduled.runs.results import add_log_entry
from tenants.models import Tenant

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
        raise RunRefused("tenant_suspended", _("The tenant is suspended."))
    if is_switched_off():
        raise RunRefused("switched_off", _("Scheduled work is switched off."))
    requested = Run.unscoped.filter(job=job, tenant=tenant, slot_at=None, state="waiting")
    if requested.filter(started_at=None).exists():
        raise RunRefused("already_requested", _("A requested run of this job waits already."))


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
        scope="jobs:write",
        icon="play_arrow",
        tone="primary",
        leads_to="waiting",
    ),
    Action[Run](
        name="cancel",
        label=_("Cancel this run"),
        question=_("The run ends at its next page or call. What it has done stays done."),
        success=_("The run is being cancelled."),
        summary="Cancel a run",
        run=cancel_run,
        is_available=lambda run: run.state in Run.OPEN_STATES and not run.cancel_requested_at,
        scope="jobs:write",
        icon="close",
        tone="danger",
        leads_to="cancelled",
    ),
)
