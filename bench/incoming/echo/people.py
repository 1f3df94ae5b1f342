"""People who create and edit records of both systems, the connected person among them."""

import random
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from bench.incoming.echo.judge import Change, Truth
from bench.incoming.echo.systems import FIELDS, OBJECTS, REGISTERED, SystemObject, TwoSystems

CREATED_BY = 0.4  # of the time: then all records are created
EDITED_FROM = 0.1  # of the time
LOOK_EVERY = 1.0  # seconds between looks for records that the hub has made
PAUSE = 2.0  # seconds between two edits of one record on one side
EDITS_MAX = 3  # of one record on one side: five writes in ten minutes count as bouncing
UNMAPPED = 0.2  # of the edits: the write that follows changes nothing
REVERTED = 0.2  # of the others: the value of before


@dataclass(frozen=True, slots=True)
class Plan:
    """How many of each on each side, and within how many seconds."""

    creations: int
    edits: int
    seconds: float


@dataclass(slots=True)
class KnownRecord:
    """A record as people see it."""

    object: SystemObject
    id: str
    names: list[str]  # the values that its name had, the latest last
    edits: int = 0
    edited_at: float = 0.0


class People:
    """They act at times that are drawn before, through the pages of both systems."""

    def __init__(self, systems: TwoSystems, plan: Plan, dice: random.Random) -> None:
        self.systems, self.plan, self.dice = systems, plan, dice
        self.truth = Truth(REGISTERED, connected=systems.users["salesforce"][0])
        # by side, then object and id: Pipedrive numbers each object from 1
        self.records: dict[str, dict[tuple[str, str], KnownRecord]] = defaultdict(dict)
        self.looked_at = dict.fromkeys(FIELDS, 0.0)
        self.count = 0

    def act(self) -> Truth:
        """Carry out the plan; return what was changed."""
        started_at = time.monotonic()
        for at, side, act in self._draw_times():
            time.sleep(max(0.0, started_at + at - time.monotonic()))
            if act == "create":
                self._create(side)
            else:
                self._edit(side)
        return self.truth

    def _draw_times(self) -> list[tuple[float, str, str]]:
        seconds, dice = self.plan.seconds, self.dice
        times = []
        for side in FIELDS:
            for _ in range(self.plan.creations):
                times.append((dice.uniform(0, CREATED_BY * seconds), side, "create"))
            for _ in range(self.plan.edits):
                times.append((dice.uniform(EDITED_FROM * seconds, seconds), side, "edit"))
        return sorted(times)

    def _create(self, side: str) -> None:
        self.count += 1
        (object,) = self.dice.choices(OBJECTS[side], [entry.weight for entry in OBJECTS[side]])
        name = f"{object.key}{self.count:04d} v0"
        at, user = time.time(), self._choose_user(side)
        id = self.systems.create(object, {object.name_field: name}, user=user)
        record = KnownRecord(object, id, [name], edited_at=time.monotonic())
        self.records[side][object.key, id] = record
        self.truth.marks.add(name.partition(" ")[0])
        self.truth.changes.append(Change(side, object.key, id, "created", "", name, at, user))

    def _edit(self, side: str) -> None:
        record = self._choose_record(side)
        field, value = self._choose_edit(record)
        at, user = time.time(), self._choose_user(side)
        self.systems.edit(record.object, record.id, {field: value}, user=user)
        if field == record.object.name_field:
            record.names.append(value)
        record.edits, record.edited_at = record.edits + 1, time.monotonic()
        column = FIELDS[side].get(field, field)
        self.truth.changes.append(
            Change(side, record.object.key, record.id, "updated", column, value, at, user)
        )

    def _choose_user(self, side: str) -> str:
        return self.dice.choice(self.systems.users[side])

    def _choose_record(self, side: str) -> KnownRecord:
        """Choose a record that was not saved just now; those that the hub has made are among
        them.
        """
        while True:
            self._look(side)
            now = time.monotonic()
            candidates = [
                record
                for record in self.records[side].values()
                if record.edits < EDITS_MAX and record.edited_at < now - PAUSE
            ]
            if candidates:
                return self.dice.choice(candidates)
            time.sleep(0.1)

    def _look(self, side: str, *, is_due: bool = False) -> None:
        """Find the records that the hub has made, and what it wrote to the others."""
        if not is_due and time.monotonic() < self.looked_at[side] + LOOK_EVERY:
            return
        self.looked_at[side] = time.monotonic()
        for object in OBJECTS[side]:
            for row in self.systems.list_records(object):
                self._note(side, object, row)

    def _note(self, side: str, object: SystemObject, row: Mapping[str, object]) -> None:
        id, name = str(row[object.id_field]), str(row[object.name_field])
        record = self.records[side].setdefault(
            (object.key, id), KnownRecord(object, id, [name], edited_at=time.monotonic())
        )
        if record.names[-1] != name:
            record.names.append(name)

    def _choose_edit(self, record: KnownRecord) -> tuple[str, str]:
        """Choose the field and its new value."""
        self.count += 1
        object = record.object
        if object.unmapped_field and self.dice.random() < UNMAPPED:
            return object.unmapped_field, f"{self.count:07d}"
        if self.dice.random() < REVERTED:
            self._look(record.object.system, is_due=True)  # it is a change only if it differs
            former = [name for name in record.names if name != record.names[-1]]
            if former:
                return object.name_field, former[-1]
        mark = record.names[-1].partition(" ")[0]
        return object.name_field, f"{mark} v{self.count}"
