"""Choose the side that a repair changes: by verdict, owner, and when the sides changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.scheduled.models import LOCAL, REMOTE
from hub.scheduled.reconciliation.options import ReconcileOptions
from hub.scheduled.reconciliation.verdicts.judge import Finding

SIDE_OF_OWNER: Mapping[str, str] = {"ours": REMOTE, "theirs": LOCAL}  # the side that is changed

# of the clocks of two systems: of two changes within it, none is known to be the later one
CLOCK_DIFFERENCE_MAX = timedelta(minutes=6)
DELETION_REASONS = ("deleted_here", "deleted_there")


@dataclass(frozen=True, slots=True)
class RepairSide:
    """The side that a repair changes; "" with the reason code if no repair is possible."""

    side: str
    reason: str = ""


def choose_repair_side(
    verdict: str,
    owner: str,
    reason: str,
    local_changed_at: datetime | None,
    remote_changed_at: datetime | None,
    options: ReconcileOptions,
) -> RepairSide:
    """Return the side that is changed according to the options of the job."""
    if verdict == "differs":
        return _choose_by_owner(owner, local_changed_at, remote_changed_at)
    if reason in DELETION_REASONS:
        return _choose_by_deletion(reason, options)
    if verdict == "missing_here":
        return RepairSide(LOCAL) if options.creates_here else RepairSide("", "report_only")
    if verdict == "missing_there":
        return RepairSide(REMOTE) if options.creates_there else RepairSide("", "report_only")
    return RepairSide("", verdict)


def _choose_by_deletion(reason: str, options: ReconcileOptions) -> RepairSide:
    """Return the side on which the counterpart of a deleted record is deleted."""
    if reason == "deleted_there" and options.deletes_here:
        return RepairSide(LOCAL)
    if reason == "deleted_here" and options.deletes_there:
        return RepairSide(REMOTE)
    return RepairSide("", reason)


def _choose_by_owner(
    owner: str, local_changed_at: datetime | None, remote_changed_at: datetime | None
) -> RepairSide:
    if side := SIDE_OF_OWNER.get(owner):
        return RepairSide(side)
    if owner != "newer":
        return RepairSide("", "report_only")
    if not local_changed_at or not remote_changed_at:
        return RepairSide("", "no_newer_side")
    if abs(local_changed_at - remote_changed_at) <= CLOCK_DIFFERENCE_MAX:
        return RepairSide("", "no_newer_side")
    return RepairSide(REMOTE if local_changed_at > remote_changed_at else LOCAL)


def is_change_by_repair(finding: Finding, options: ReconcileOptions) -> bool:
    """Return whether a run that applies repairs would change one side for this finding."""
    repair_side = choose_repair_side(
        finding.verdict,
        finding.owner,
        finding.reason,
        finding.local.changed_at if finding.local else None,
        finding.remote.changed_at if finding.remote else None,
        options,
    )
    return bool(repair_side.side)
