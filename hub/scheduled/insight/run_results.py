"""What a reconciliation counted: its result, and the picture of the last nights.

A reconciliation stores in `Run.result`:

    {"compared": 10000, "equal": 9990, "records": {"local": 9998, "remote": 9997},
     "verdicts": {"differs": 5, "missing_here": 2, "missing_there": 3},
     "states": {"new": 4, "open": 6, "resolved": 1, "ignored": 0},
     "read": "full", "since": null, "is_complete": true, "compared_at": "2026-11-28T02:14:07+00:00",
     "repairs": {"state": "stopped", "changes": 10, "limits": {"share": 0.1, "count": 5}},
     "digest": "<SHA-256 of the compared records>"}

`compared` are the records of at least one side, and `equal` those of them without a discrepancy.
`hub.scheduled.reconciliation.result` builds it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Subquery
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hub.number_texts import format_whole
from hub.scheduled.models import Discrepancy, Job, Run
from hub.scheduled.reconciliation.result import STOPPED
from hub.scheduled.repairs.filters import match_repairable
from tenants.models import Tenant

RECORDS_DIGEST = gettext_lazy("Digest of the records")
NIGHTS_SHOWN = 14  # in the picture
# what the picture stacks: tone, label and verdicts
NIGHT_GROUPS: Sequence[tuple[str, Promise, Sequence[str]]] = (
    ("warn", gettext_lazy("differs"), ("differs",)),
    ("info", gettext_lazy("missing on one side"), ("missing_here", "missing_there")),
    ("bad", gettext_lazy("ambiguous"), ("ambiguous",)),
    ("idle", gettext_lazy("unmapped"), ("unmapped",)),
)


@dataclass(frozen=True, slots=True)
class ReconciliationResult:
    """The counts of one run; counts that are not stored are 0."""

    compared: int
    equal: int
    local_records: int
    remote_records: int
    verdicts: Mapping[str, int]
    read: str
    since: str
    is_complete: bool
    compared_at: datetime | None
    digest: str
    repairs: str  # proposed, repairing, stopped (by the safety valve), dry, or none
    change_count: int  # repairs that the options of the job ask for
    limit_share: float  # of the compared records, and
    limit_count: int  # beyond which the safety valve stops

    @property
    def limit_percent(self) -> str:
        return f"{100 * self.limit_share:.4g}"

    @property
    def discrepancy_count(self) -> int:
        return sum(self.verdicts.values())

    @property
    def is_equal(self) -> bool:
        """Return whether a complete and full read found every record equal."""
        return self.is_complete and self.read == "full" and self.compared == self.equal


def read_result(run: Run) -> ReconciliationResult | None:
    """Return the counts of a reconciliation; None if unfinished or of another kind."""
    stored = run.result
    if run.job.kind != Job.Kind.RECONCILE or "compared" not in stored:
        return None
    records, repairs = stored.get("records", {}), stored.get("repairs", {})
    limits = repairs.get("limits", {})
    moment = stored.get("compared_at")
    return ReconciliationResult(
        compared=stored["compared"],
        equal=stored.get("equal", 0),
        local_records=records.get("local", 0),
        remote_records=records.get("remote", 0),
        verdicts=stored.get("verdicts", {}),
        read=stored.get("read", "full"),
        since=stored.get("since") or "",
        is_complete=stored.get("is_complete", False),
        compared_at=datetime.fromisoformat(moment) if moment else run.finished_at,
        digest=stored.get("digest", ""),
        repairs=repairs.get("state", ""),
        change_count=repairs.get("changes", 0),
        limit_share=limits.get("share", 0.0),
        limit_count=limits.get("count", 0),
    )


def describe_result(result: ReconciliationResult, zone: ZoneInfo) -> str:
    """Return the result in a sentence, such as “10,000 of 10,000 equal at 02:14”."""
    counts = {"equal": format_whole(result.equal), "compared": format_whole(result.compared)}
    if result.compared_at is None:
        return _("%(equal)s of %(compared)s equal") % counts
    local = result.compared_at.astimezone(zone)
    return _("%(equal)s of %(compared)s equal at %(time)s") % {**counts, "time": f"{local:%H:%M}"}


@dataclass(frozen=True, slots=True)
class NightResult:
    """One run in the chart of the last nights."""

    run: Run
    at: datetime
    result: ReconciliationResult

    @property
    def statement(self) -> str:
        """Return the result as a sentence, in the tenant's time zone."""
        return describe_result(self.result, ZoneInfo(self.run.tenant.time_zone))

    @property
    def is_stopped(self) -> bool:
        """Return whether the safety valve stopped its repairs."""
        return self.result.repairs == STOPPED

    @property
    def numbers(self) -> Sequence[int]:
        """Return the number of discrepancies in each group of NIGHT_GROUPS."""
        return [
            sum(self.result.verdicts.get(verdict, 0) for verdict in verdicts)
            for _tone, _label, verdicts in NIGHT_GROUPS
        ]


def list_last_runs(jobs: Sequence[Job], tenant: Tenant) -> list[NightResult]:
    """List each job's last run with a comparison, in the order of the jobs; one query."""
    finished = Run.objects.of(tenant).filter(job=OuterRef("pk"), state=Run.State.FINISHED)
    newest = Job.objects.of(tenant).filter(pk__in=[job.pk for job in jobs])
    ids = newest.annotate(run=Subquery(finished.order_by("-pk").values("pk")[:1])).values("run")
    runs = Run.objects.of(tenant).filter(pk__in=ids).select_related("job", "tenant")
    by_job = {run.job_id: run for run in runs}
    nights = [_build_night_result(by_job[job.pk]) for job in jobs if job.pk in by_job]
    return [night for night in nights if night is not None]


def _build_night_result(run: Run) -> NightResult | None:
    result = read_result(run)
    return NightResult(run, run.slot_at or run.created_at, result) if result else None


def is_confirmation_needed(run: Run, result: ReconciliationResult) -> bool:
    """Return whether the safety valve stopped repairs, some of which still await a decision."""
    if result.repairs != STOPPED:
        return False
    waiting = Discrepancy.unscoped.filter(match_repairable(), last_run=run.pk, job=run.job_id)
    return waiting.filter(tenant=run.tenant_id).exclude(owner="report").exists()


def list_nights(job: Job, tenant: Tenant, *, limit: int = NIGHTS_SHOWN) -> list[NightResult]:
    """List the last runs of a job that compared records, oldest first; one query."""
    runs = Run.objects.of(tenant).filter(job=job, state=Run.State.FINISHED)
    newest = runs.select_related("job", "tenant").order_by("-pk")[:limit]
    nights = [night for run in newest if (night := _build_night_result(run)) is not None]
    return nights[::-1]
