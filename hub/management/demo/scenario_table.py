"""The table of the demo's scenarios: what happened, with its evidence, and how long it took."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.management.demo.incoming_scenarios import ScenarioResult
from hub.management.demo.story import DemoStep

# by system
OUTGOING_TITLES = {
    "slack": "New order: a message in Slack",
    "salesforce": "New order: a record in Salesforce",
}
# ids, as far as a scenario has them
EVIDENCE = ("event", "delivery", "run", "discrepancy", "gap", "ledger")
COLUMNS = ("scenario", "what happened", "evidence", "time")


@dataclass(frozen=True, slots=True)
class ScenarioRow:
    title: str
    detail: str
    evidence: Mapping[str, Any]
    seconds: float

    @property
    def cells(self) -> tuple[str, ...]:
        return self.title, self.detail, describe_evidence(self.evidence), f"{self.seconds:.1f} s"


def describe_evidence(ids: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {ids[name]}" for name in EVIDENCE if name in ids)


def find_row(step: DemoStep | ScenarioResult, seconds: float) -> ScenarioRow | None:
    """Return the row of a step that ends a scenario; None for another step."""
    if isinstance(step, ScenarioResult):
        return ScenarioRow(step.title, step.detail, step.evidence, seconds)
    title = OUTGOING_TITLES.get(step.evidence.get("system", "")) if step.name == "arrived" else None
    detail = step.detail.partition(": delivery")[0]
    return ScenarioRow(title, detail, step.evidence, seconds) if title else None


def format_table(rows: Sequence[ScenarioRow]) -> Iterator[str]:
    """Yield the lines of a table with one line for each scenario, the first of each title."""
    first: dict[str, ScenarioRow] = {}
    for row in rows:
        first.setdefault(row.title, row)
    lines = [COLUMNS, *(row.cells for row in first.values())]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield "  ".join(cells).rstrip()
