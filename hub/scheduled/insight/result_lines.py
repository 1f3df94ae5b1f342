"""Convert the result of a run to lines of a name and a value, in the reader's language."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hub.number_texts import format_whole
from hub.scheduled.insight.run_results import (
    RECORDS_DIGEST,
    ReconciliationResult,
    describe_result,
    read_result,
)
from hub.scheduled.models import Discrepancy, Run
from hub.scheduled.reconciliation.declared_options import THEIR_RECORDS

TABLE = "table"
TIMES = ("since", "until")  # of a sync, in ISO 8601
LABELS: Mapping[str, Promise] = {  # of results of reports, log shipping and sync
    "lines": gettext_lazy("Lines"),
    "batches": gettext_lazy("Batches"),
    "sent_again": gettext_lazy("Batches that were sent again"),
    "rejected": gettext_lazy("Rejected lines"),
    "since": gettext_lazy("Changed since"),
    "until": gettext_lazy("Changed until"),
    "read": gettext_lazy("Records that were read"),
    "found": gettext_lazy("Changes that no webhook had brought"),
    "unreadable": gettext_lazy("Records that could not be read"),
    "summary": gettext_lazy("Summary"),
    TABLE: gettext_lazy("Table"),
    "picture": gettext_lazy("Picture"),
    "picture_reason": gettext_lazy("Why there is no picture"),
    "delivery": gettext_lazy("Delivery"),
}
REPAIR_STATES: Mapping[str, Promise] = {
    "proposed": gettext_lazy("proposed; a person decides"),
    "repairing": gettext_lazy("being sent"),
    "stopped": gettext_lazy("stopped: more would change than the limits allow"),
    "dry": gettext_lazy("none, as it was a dry run"),
    "none": gettext_lazy("none needed"),
}


class ResultLine(NamedTuple):
    """A value of a result with its name; a table's columns are kept aligned."""

    name: str
    value: str
    is_table: bool = False


def list_result_lines(run: Run) -> list[ResultLine]:
    """Return the plain values of a run's result."""
    result = read_result(run)
    if result is not None:
        return [ResultLine(*line) for line in _list_reconciliation_lines(run, result)]
    zone = ZoneInfo(run.tenant.time_zone)
    return [
        ResultLine(
            str(LABELS.get(name, name.replace("_", " "))),
            _format_time(value, zone) if name in TIMES else _format_result(value),
            name == TABLE,
        )
        for name, value in run.result.items()
        if isinstance(value, int | float | str)
        and not isinstance(value, bool)
        and value not in ("", None)
    ]


def _format_time(value: Any, zone: ZoneInfo) -> str:
    local = datetime.fromisoformat(value).astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M:%S %Z}"


def _format_result(value: Any) -> str:
    return format_whole(value) if isinstance(value, int) else str(value)


def _list_reconciliation_lines(run: Run, result: ReconciliationResult) -> list[tuple[str, str]]:
    zone = ZoneInfo(run.tenant.time_zone)
    lines = [
        (_("Result"), describe_result(result, zone)),
        (_("Our records"), format_whole(result.local_records)),
        (str(THEIR_RECORDS), format_whole(result.remote_records)),
        *(
            (str(label), format_whole(result.verdicts[verdict]))
            for verdict, label in Discrepancy.Verdict.choices
            if result.verdicts.get(verdict)
        ),
        (_("Read"), _("everything") if result.read == "full" else _("what had changed")),
    ]
    if not result.is_complete:
        lines.append((_("Incomplete"), _("missing records are not reported")))
    if result.repairs in REPAIR_STATES:
        lines.append((_("Repairs"), str(REPAIR_STATES[result.repairs])))
    return [*lines, (str(RECORDS_DIGEST), result.digest or "–")]
