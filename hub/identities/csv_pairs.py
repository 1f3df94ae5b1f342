"""Identities as CSV: export the confirmed pairs, and import them through a plan of the changes."""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.csv_cells import escape_formula, format_csv_row, unescape_formula
from hub.mappings.identity_pairs import (
    Pair,
    PairKey,
    describe_pair_conflict,
    find_owners,
    find_pair_problems,
    lock_identities,
    set_identities,
)
from hub.mappings.models import Identity
from hub.problems import Refusal

COLUMNS = ("kind", "local_id", "remote_id", "name")
REQUIRED_COLUMNS = COLUMNS[:3]
ROWS_MAX = 5_000
BYTES_MAX = 2 * 1024 * 1024

NOT_UTF_8_TEXT = gettext_noop("The file is not UTF-8 text. Save it as “CSV UTF-8”, then try again.")
TOO_LARGE_TEXT = gettext_noop("The file is larger than 2 MB. Split it into several files.")
TOO_MANY_TEXT = gettext_noop("The file has more than 5,000 rows. Split it into several files.")
NO_ROWS_TEXT = gettext_noop("The file has no rows below its header.")
NO_HEADER = gettext_noop(
    "The first row must name the columns: kind, local_id and remote_id, and optionally name. "
    "Missing: %(columns)s."
)


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row of the file; `line` counts from 1. A row with a problem has no change."""

    line: int
    pair: Pair
    change: Literal["new", "changed", "same", ""] = ""
    problem: str = ""
    current_remote_id: str = ""  # of a changed pair


@dataclass(frozen=True)
class ImportPlan:
    """The changes that an import would make. It can run only if no row has a problem."""

    rows: Sequence[ImportRow]
    text: str

    @cached_property
    def problems(self) -> list[ImportRow]:
        return [row for row in self.rows if row.problem]

    def list_changes(self, change: str) -> list[ImportRow]:
        return [row for row in self.rows if row.change == change]

    @property
    def new_count(self) -> int:
        return len(self.list_changes("new"))

    @cached_property
    def changed_rows(self) -> list[ImportRow]:
        return self.list_changes("changed")

    @property
    def same_count(self) -> int:
        return len(self.list_changes("same"))

    @property
    def can_run(self) -> bool:
        return not self.problems and bool(self.new_count or self.changed_rows)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the plan's rows and changes, which equal plans share."""
        facts = [(row.line, row.change, row.problem, row.current_remote_id) for row in self.rows]
        return hashlib.sha256(f"{self.text}{facts}".encode(errors="replace")).hexdigest()


class PlanChanged(Refusal):
    """The stored pairs have changed since the plan was shown, so it would make other changes."""

    sentence = gettext_lazy("The pairs have changed in the meantime. This is the new plan.")


def export_identities(
    connection: Connection, actor: ActorContext, *, now: datetime
) -> Iterator[str]:
    """Return the lines of the confirmed pairs as a stream, and audit the export."""
    actor.audit("connection.export_identities", connection, now=now)
    return write_pairs(connection)


def write_pairs(connection: Connection) -> Iterator[str]:
    """Yield the lines of the export: the header, then the confirmed pairs by kind and our id."""
    yield format_csv_row(COLUMNS)
    identities = Identity.confirmed().filter(connection=connection).order_by("kind", "local_id")
    for values in identities.values_list(*COLUMNS).iterator():
        yield format_csv_row(map(escape_formula, values))


def decode_file(content: bytes) -> str:
    """Return the text of an uploaded file. Raises ValidationError."""
    if len(content) > BYTES_MAX:
        raise ValidationError(_(TOO_LARGE_TEXT))
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ValidationError(_(NOT_UTF_8_TEXT)) from None


def plan_identity_import(connection: Connection, text: str) -> ImportPlan:
    """Parse the file, and compare its pairs with the stored ones; nothing is stored.

    Raises ValidationError if the file as a whole cannot be parsed.
    """
    pairs = _read_pairs(text)
    checked = _check_pairs(connection, pairs)
    stored = _load_stored(connection, [pair for line, pair in pairs if not checked[line]])
    rows = [
        ImportRow(line, pair, problem=checked[line])
        if checked[line]
        else _compare_pair(line, pair, stored.get(pair.local_key))
        for line, pair in pairs
    ]
    return ImportPlan(rows, text)


@transaction.atomic
def import_identities(
    connection: Connection, text: str, digest: str, actor: ActorContext, *, now: datetime
) -> int:
    """Confirm the new and changed pairs of a plan that was shown, all or none; return how many.

    Raises PlanChanged if the plan would be different now, and ValidationError.
    """
    lock_identities(connection)
    plan = plan_identity_import(connection, text)
    if plan.digest != digest or not plan.can_run:
        raise PlanChanged
    pairs = [row.pair for row in plan.rows if row.change in ("new", "changed")]
    set_identities(connection, pairs, actor, now=now)
    return len(pairs)


def _read_pairs(text: str) -> list[tuple[int, Pair]]:
    """Return the pairs with their lines. Raises ValidationError."""
    if len(text.encode(errors="replace")) > BYTES_MAX:
        raise ValidationError(_(TOO_LARGE_TEXT))
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        if missing := [name for name in REQUIRED_COLUMNS if name not in names]:
            raise ValidationError(_(NO_HEADER) % {"columns": ", ".join(missing)})
        pairs = [
            (reader.line_num, _build_pair(dict(zip(names, cells, strict=False))))
            for cells in reader
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        message = _("Line %(line)s cannot be read: %(problem)s.")
        raise ValidationError(message % {"line": reader.line_num, "problem": error}) from None
    if not pairs:
        raise ValidationError(_(NO_ROWS_TEXT))
    if len(pairs) > ROWS_MAX:
        raise ValidationError(_(TOO_MANY_TEXT))
    return pairs


def _build_pair(cells: Mapping[str, str]) -> Pair:
    kind, local_id, remote_id, name = (
        unescape_formula(cells.get(column, "").strip()) for column in COLUMNS
    )
    return Pair(kind, local_id, remote_id, name, Identity.Source.CSV)


def _check_pairs(connection: Connection, pairs: Sequence[tuple[int, Pair]]) -> dict[int, str]:
    """Return the problem of each line, "" if it has none. One query."""
    own_lines: dict[PairKey, int] = {}
    remote_lines: dict[PairKey, int] = {}
    for line, pair in reversed(pairs):
        own_lines[pair.local_key] = line
        if connection.connector.is_one_to_one(pair.kind):
            remote_lines[pair.remote_key] = line
    problems = {
        line: next(iter(find_pair_problems(connection, pair).values()), "") for line, pair in pairs
    }
    # what a database refuses is in no query
    owners = find_owners(connection, [pair for line, pair in pairs if not problems[line]])
    for line, pair in pairs:
        problem = problems[line]
        owner = owners.get(pair.remote_key, "")
        if not problem and own_lines[pair.local_key] != line:
            first = own_lines[pair.local_key]
            problem = _("The same record is in line %(line)s.") % {"line": first}
        elif not problem and (first := remote_lines.get(pair.remote_key, line)) != line:
            text = _("Line %(line)s has the same record of the other system.")
            problem = text % {"line": first}
        elif not problem and owner and (pair.kind, owner) not in own_lines:
            problem = describe_pair_conflict(owner)
        problems[line] = problem
    return problems


def _load_stored(connection: Connection, pairs: Sequence[Pair]) -> dict[PairKey, Identity]:
    identities = Identity.confirmed().filter(
        connection=connection,
        kind__in={pair.kind for pair in pairs},
        local_id__in={pair.local_id for pair in pairs},
    )
    return {(identity.kind, identity.local_id): identity for identity in identities}


def _compare_pair(line: int, pair: Pair, stored: Identity | None) -> ImportRow:
    if stored is None:
        return ImportRow(line, pair, "new")
    if stored.remote_id == pair.remote_id and (not pair.name or stored.name == pair.name):
        return ImportRow(line, pair, "same")
    return ImportRow(line, pair, "changed", current_remote_id=stored.remote_id)
