"""Jobs: work on a schedule, and the next slot of each tenant."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from hub.connections.models import Connection
from hub.db.ids import uuid7
from tenants.models import Tenant
from tenants.scoping import Scoped

# of jobs that the hub makes for a connection, to read its gaps and to write very many records;
# people neither see nor change them
GAP_KIND, BULK_KIND = "gap", "bulk"
# what they are called, and what starts their runs
HUB_JOB_NAMES = {
    GAP_KIND: gettext_noop("%(name)s: missed changes"),
    BULK_KIND: gettext_noop("%(name)s: many records"),
}
HUB_RUN_ORIGINS = {GAP_KIND: _("started for a gap"), BULK_KIND: _("started to send missing events")}
HUB_KINDS = tuple(HUB_JOB_NAMES)


def name_hub_job(kind: str, connection: Connection) -> str:
    """Return the stored name of a job that the hub makes, which its title translates."""
    return f"{connection.name}{_find_suffix(kind)}"[:200]


def _find_suffix(kind: str) -> str:
    return HUB_JOB_NAMES[kind].removeprefix("%(name)s")


class Job(Scoped):
    """Work on a schedule, for one tenant, or for every tenant if `tenant` is None.

    `cron` applies in each tenant's own time zone. A run may start in its window, and is expected to
    end by its deadline; both count from the slot. `options` are those of the kind.
    """

    SHARED = True

    class Kind(models.TextChoices):
        RECONCILE = "reconcile", _("Reconciliation")
        REPORT = "report", _("Report")
        SHIP = "ship", _("Log shipping")
        SYNC = "sync", _("Sync")

    class CatchUp(models.TextChoices):
        RUN_LATE = "run_late", _("Run late")
        SKIP = "skip", _("Skip")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, null=True, blank=True, related_name="jobs"
    )
    kind = models.CharField(max_length=12, choices=Kind)
    name = models.CharField(max_length=200)
    connector_key = models.CharField(max_length=40)  # the system whose data it reads or fills
    # null: the tenant's connection of that system
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, null=True, blank=True, related_name="jobs"
    )
    cron = models.CharField(max_length=100)
    window_minutes = models.PositiveIntegerField(default=240)
    deadline_minutes = models.PositiveIntegerField(default=360)
    concurrency_group = models.CharField(max_length=60, blank=True)
    options = models.JSONField(default=dict)
    is_enabled = models.BooleanField(default=True)
    catch_up = models.CharField(max_length=10, choices=CatchUp, default=CatchUp.RUN_LATE)
    priority = models.SmallIntegerField(default=0)  # a greater one starts first
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("connection",), condition=Q(kind=GAP_KIND), name="one_gap_job"
            ),
        )
        indexes = (models.Index(fields=("tenant", "-id"), name="jobs_of_tenant"),)

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """Return its name; that of a job of the hub in the active language."""
        if self.is_made_by_hub:
            name = self.name.removesuffix(_find_suffix(self.kind))
            return gettext(HUB_JOB_NAMES[self.kind]) % {"name": name}
        return self.name

    @property
    def run_origin(self) -> str:
        """Return what starts a run without a slot."""
        return str(HUB_RUN_ORIGINS.get(self.kind, _("started by hand")))

    @property
    def is_made_by_hub(self) -> bool:
        return self.kind in HUB_KINDS


class JobSchedule(Scoped):
    """The schedule of a job for one tenant: its next slot, and the last that has a run."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="schedules")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="job_schedules")
    time_zone = models.CharField(max_length=60)  # of the tenant, when it was computed
    last_slot_at = models.DateTimeField()  # no slot up to here is run again
    next_slot_at = models.DateTimeField(null=True)  # null: the job is disabled
    is_excluded = models.BooleanField(default=False)  # staff left the tenant out
    # staff's; a greater one starts first in the window
    priority = models.SmallIntegerField(default=0)
    # what the last complete run read, from which an incremental run continues
    cursor = models.JSONField(default=dict)

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(fields=("job", "tenant"), name="one_schedule_per_tenant"),
        )
        indexes = (
            models.Index(
                fields=("next_slot_at",),
                condition=Q(next_slot_at__isnull=False),
                name="job_schedules_due",
            ),
        )

    def __str__(self) -> str:
        return f"{self.job} of {self.tenant}"
