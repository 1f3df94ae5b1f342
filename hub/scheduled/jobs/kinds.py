"""The kinds of jobs: which options they have. `hub/wiring.py` fills the registry."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hub.scheduled.jobs.option_schema import JobOptions
from hub.scheduled.models import Job, JobSchedule


@dataclass(frozen=True, slots=True)
class JobKind:
    """What a kind of job adds to the schedule. Errors are sentences, by the path of an option."""

    options: JobOptions
    # the errors of options that another enabled job excludes
    find_conflicts: Callable[[Job], Mapping[str, str]] | None = None
    # the ids of the schedules that need a run in their slot; None: all do
    find_work: Callable[[Sequence[JobSchedule]], set[int]] | None = None


JOB_KINDS: dict[str, JobKind] = {}
