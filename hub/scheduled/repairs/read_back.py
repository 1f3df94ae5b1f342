"""Read both records of repairs again just before sending, and send only what is unchanged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from connectors.outcomes import CHANGED_SINCE
from hub.db.clock import Clock
from hub.db.storable import make_storable
from hub.processes.failpoints import failpoint
from hub.scheduled.models import LOCAL, REMOTE, Discrepancy
from hub.scheduled.reconciliation.options import ReconcileOptions
from hub.scheduled.reconciliation.values.staged_values import limit_value
from hub.scheduled.repairs.execute import store_refusals
from hub.scheduled.repairs.outcomes import reopen, resolve
from hub.scheduled.repairs.record_reading import CurrentRecord, RecordReader
from hub.scheduled.repairs.repair_deliveries import (
    AWAITING_READ,
    RepairSender,
    load_reference_pairs,
)
from hub.scheduled.repairs.repair_requests import MISSING_VERDICTS
from hub.scheduled.repairs.second_comparison import (
    CurrentSides,
    compare_again,
    find_missing_side,
    find_record_id,
    is_creation,
    is_same_value,
)

CANNOT_BE_READ = "cannot_be_read_again"
EXISTS_ALREADY = "exists_already"
READ_VALID_FOR = timedelta(seconds=60)  # a repair that is not sent by then is not sent
# a search for what changed since a run covers the time that the run may have read before
SEARCH_MARGIN = timedelta(hours=1)
VERSION_MARGIN = timedelta(seconds=1)  # beyond the precision of a version


def match_unread(*, now: datetime) -> Q:
    """Match the repairs whose records are to be read now, before they are sent."""
    is_due = Q(read_again_at=None) | Q(read_again_at__lte=now)
    return Q(is_due, state="repairing", repair_delivery=None)


@dataclass(frozen=True, slots=True)
class SecondRead:
    """Reads the records of repairs of one job, tenant and side again. `readers`: by side."""

    readers: Mapping[str, RecordReader]
    options: ReconcileOptions
    sender: RepairSender
    clock: Clock

    def send_unchanged(
        self, unread: Sequence[Discrepancy], sleep: Callable[[float], object], *, now: datetime
    ) -> Sequence[Discrepancy]:
        """Send the repairs whose compared values are still there on both sides, resolve those whose
        values are equal by now, and reopen the others with their current values.

        Return those that must wait, as their records are being changed. Raises NotReadable, and
        LookupError if a collection cannot be asked for these records.
        """
        sides = self._read_sides(unread, now=now)
        unchanged = self._settle_changed(unread, sides, now=now)
        recent = [entry for entry in unchanged if self._is_recent(entry, sides[entry.pk], now=now)]
        self._publish([entry for entry in unchanged if entry not in recent], sides, now=now)
        if not recent:
            return []
        (first, *_) = recent
        sleep((self._version_precision(first) + VERSION_MARGIN).total_seconds())
        now = self.clock()
        later_sides = self._read_sides(recent, now=now)
        unchanged = self._settle_changed(recent, later_sides, now=now)
        steady = [
            entry
            for entry in unchanged
            if find_version(entry, sides[entry.pk]) == find_version(entry, later_sides[entry.pk])
        ]
        self._publish(steady, later_sides, now=now)
        return [entry for entry in unchanged if entry not in steady]

    def _version_precision(self, entry: Discrepancy) -> timedelta:
        return self.readers[entry.repair_side].collection.version_precision

    def _is_recent(self, entry: Discrepancy, sides: CurrentSides, *, now: datetime) -> bool:
        """Return whether a later change could have the same version as the one that was read.

        It cannot if a run read this version longer ago than versions are precise. No clock of
        another system is needed for that.
        """
        precision = self._version_precision(entry)
        if not precision or is_creation(entry):
            return False
        compared = entry.local_version if entry.repair_side == LOCAL else entry.remote_version
        return (
            find_version(entry, sides) != compared
            or now - entry.last_seen_at <= precision + VERSION_MARGIN
        )

    def _read_sides(
        self, entries: Sequence[Discrepancy], *, now: datetime
    ) -> Mapping[int, CurrentSides]:
        """Return the current records of both sides, by the key of the discrepancy."""
        records = {
            side: reader.read(
                [id for entry in entries if (id := find_record_id(entry, side))], now=now
            )
            for side, reader in self.readers.items()
        }
        existing = self._find_existing(
            [entry for entry in entries if entry.verdict in MISSING_VERDICTS], now=now
        )
        return {
            entry.pk: CurrentSides(
                {
                    side: record
                    for side in (LOCAL, REMOTE)
                    if (record := records[side].get(find_record_id(entry, side)))
                    and (self.options.match.identity or record.key == entry.record_key)
                },
                existing.get(entry.record_key) if entry.verdict in MISSING_VERDICTS else (),
            )
            for entry in entries
        }

    def _find_existing(
        self, missing: Sequence[Discrepancy], *, now: datetime
    ) -> Mapping[str, Sequence[CurrentRecord]]:
        """Search the records that are missing, by their keys, on the side that has none."""
        found: dict[str, Sequence[CurrentRecord]] = {}
        for side, reader in self.readers.items():
            entries = [entry for entry in missing if find_missing_side(entry) == side]
            if entries:
                since = min(_find_read_time(entry) for entry in entries) - SEARCH_MARGIN
                keys = [entry.record_key for entry in entries]
                found |= reader.find(keys, since=since, now=now)
        return found

    def _settle_changed(
        self, entries: Sequence[Discrepancy], sides: Mapping[int, CurrentSides], *, now: datetime
    ) -> list[Discrepancy]:
        """Resolve what is equal, reopen what has changed, and return the others."""
        values = [
            value
            for current in sides.values()
            for record in (*current.records.values(), *(current.existing or ()))
            for value in record.values.values()
        ]
        pairs = load_reference_pairs(entries[0].connection_id, values, self.options)
        unchanged = []
        for entry in entries:
            comparison = compare_again(entry, sides[entry.pk], self.options, pairs)
            if comparison == "unchanged":
                unchanged.append(entry)
            elif comparison == "equal":
                resolve([entry], is_repaired=entry.reason != AWAITING_READ, now=now)
            else:
                _reopen_changed(entry, sides[entry.pk], self.options)
        return unchanged

    @transaction.atomic
    def _publish(
        self, entries: Sequence[Discrepancy], sides: Mapping[int, CurrentSides], *, now: datetime
    ) -> None:
        """Send the repairs that still wait, under the versions that were just read."""
        seen_at = {entry.pk: entry.last_seen_at for entry in entries}
        rows = Discrepancy.unscoped.filter(match_unread(now=now), pk__in=seen_at)
        locked = [
            row
            for row in rows.select_related("job", "connection", "tenant")
            .select_for_update(of=("self",), no_key=True)
            .order_by("pk")
            if row.last_seen_at == seen_at[row.pk]  # else a run has stored other values meanwhile
        ]
        if not locked:
            return
        for discrepancy in locked:
            records = sides[discrepancy.pk].records
            discrepancy.local_version = records[LOCAL].version if LOCAL in records else ""
            discrepancy.remote_version = records[REMOTE].version if REMOTE in records else ""
        result = self.sender.publish_after_reading(locked, expires_at=now + READ_VALID_FOR)
        reopen([entry for entry, _refused in result.refused], "repair_failed")
        store_refusals(result)
        failpoint("P3")  # the records were read again, and no repair is stored yet


def find_version(entry: Discrepancy, sides: CurrentSides) -> str:
    """Return the version of the record that the repair writes."""
    return sides.records[entry.repair_side].version


def _find_read_time(entry: Discrepancy) -> datetime:
    """Return a time before which the run had read nothing of what it compared."""
    run = entry.last_run
    began_at = (run.started_at or run.created_at) if run else entry.last_seen_at
    return min(began_at, entry.last_seen_at)


def _reopen_changed(entry: Discrepancy, sides: CurrentSides, options: ReconcileOptions) -> None:
    """Reopen a discrepancy whose records have changed, with the values that they have now."""
    changes: dict[str, Any] = {}
    for side, record in sides.records.items():
        compared = getattr(entry, f"{side}_value")
        if entry.verdict in MISSING_VERDICTS:
            current: Any = {rule.name: record.values.get(rule.name) for rule in options.fields}
        else:
            rule = options.rule(entry.field)
            current = record.values.get(entry.field)
            if rule is None or is_same_value(current, compared, rule):
                continue
        changes[f"{side}_value"] = make_storable(limit_value(current))
        changes[f"{side}_changed_at"] = record.changed_at
    reason = EXISTS_ALREADY if sides.existing else CHANGED_SINCE
    reopen([entry], CANNOT_BE_READ if sides.existing is None else reason, **changes)
