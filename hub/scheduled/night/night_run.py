"""The run of a night: its plan, and what is predicted or known of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from hub.scheduled.models import Job, Run
from hub.scheduled.night.expectations import Expectation
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class NightRun:
    """A run that is planned, executed, or has ended.

    `ends_at`: the expected end; None if it is unknown, or if the run does not end.
    """

    job: Job
    tenant: Tenant
    starts_at: datetime
    deadline_at: datetime
    expectation: Expectation | None = None  # None: nothing is known
    slot_at: datetime | None = None  # None: a person requested it
    run: Run | None = None  # None: it does not exist yet
    ends_at: datetime | None = None
    slowed_by: str = ""  # the key of the quota that delays it most, or RUN_SLOTS
    is_late: bool = False  # it misses its deadline
    explanation: str = ""  # why it is late, as a sentence

    @property
    def seconds(self) -> float:
        """Return the expected length without delays by quotas."""
        return self.expectation.seconds if self.expectation else 0.0

    @property
    def units_by_quota(self) -> Mapping[str, float]:
        return self.expectation.units_by_quota if self.expectation else {}

    @property
    def takes_slot(self) -> bool:
        """Return whether it takes one of the places of runs side by side.

        The shipping of logs takes none: it mostly waits for lines.
        """
        return self.job.kind != Job.Kind.SHIP

    @property
    def state(self) -> str:
        return self.run.state if self.run else "planned"

    def predicted(self, ends_at: datetime | None, slowed_by: str = "") -> "NightRun":
        """Return the run with its predicted end; it is late if it ends after its deadline."""
        is_late = ends_at is None or ends_at > self.deadline_at
        return replace(self, ends_at=ends_at, slowed_by=slowed_by, is_late=is_late)
