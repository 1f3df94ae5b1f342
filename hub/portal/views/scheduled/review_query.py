"""The filter of the discrepancy review, which the URL holds, and its links."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from hub.portal.log.filter_chips import LogLink, build_query_string
from hub.portal.log.operation_form import build_choice_parser, normalize_public_id
from hub.scheduled.insight.discrepancies import (
    COUNTED_STATES,
    SELECTED_LIMIT,
    DiscrepancyCount,
)
from hub.scheduled.insight.review_rows import STATE_LABELS
from hub.scheduled.models import Discrepancy, Job

VERDICT_LABELS = {str(value): label for value, label in Discrepancy.Verdict.choices}


def _build_text_parser(limit: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if len(text) > limit or "\0" in text:
            raise ValueError(text)
        return text

    return parse


PARSERS: Mapping[str, Callable[[str], str]] = {
    "job": normalize_public_id,
    "run": normalize_public_id,
    "verdict": build_choice_parser(Discrepancy.Verdict.values),
    "field": _build_text_parser(80),
    "state": build_choice_parser(Discrepancy.State.values),
    "record_key": _build_text_parser(200),
    "repairable": build_choice_parser(("1",)),
}


def parse_review_filter(data: QueryDict) -> dict[str, Any]:
    """Return the filter of a URL; selected discrepancies exclude all other filters.

    Raises ValueError for an unreadable value, so that not more is selected than intended.
    """
    if ids := data.getlist("discrepancies"):
        if len(ids) > SELECTED_LIMIT:
            raise ValueError(len(ids))
        return {"discrepancies": [normalize_public_id(id) for id in ids]}
    return {name: parse(str(data[name])) for name, parse in PARSERS.items() if data.get(name)}


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """A verdict and a field with the links of its counts."""

    label: str
    field: str
    query: str
    cells: Sequence[tuple[int, str]]  # a count, and the query of its rows


def build_summary(counts: Sequence[DiscrepancyCount], data: Mapping[str, str]) -> list[SummaryRow]:
    """Build the rows of the summary; their links replace verdict, field and state of the URL."""
    replaced = ("verdict", "field", "state", "record_key")
    rows = []
    for count in counts:
        names = {"verdict": count.verdict, "field": count.field}
        cells = [
            (getattr(count, state), build_query_string(data, replaced, **names, state=state))
            for state in COUNTED_STATES
        ]
        label = str(VERDICT_LABELS[count.verdict])
        query = build_query_string(data, replaced, **names)
        rows.append(SummaryRow(label, count.field, query, cells))
    return rows


def list_state_links(state: str, data: Mapping[str, str]) -> list[LogLink]:
    """List the links that filter by state; first those that await a decision."""
    links = [
        LogLink(str(label), build_query_string(data, state=value), value == state)
        for value, label in STATE_LABELS.items()
    ]
    return [LogLink(_("To decide"), build_query_string(data, ("state",)), not state), *links]


def list_job_links(jobs: Sequence[Job], current: str, data: Mapping[str, str]) -> list[LogLink]:
    """List the links that filter by job; empty if there is only one."""
    if len(jobs) < 2:
        return []
    links = [
        LogLink(
            job.name,
            build_query_string(data, ("run",), job=job.public_id),
            str(job.public_id) == current,
        )
        for job in jobs
    ]
    return [LogLink(_("All jobs"), build_query_string(data, ("job", "run")), not current), *links]


def describe_review_filter(filter: Mapping[str, Any], jobs: Sequence[Job]) -> list[str]:
    """Describe each condition as text."""
    names = {str(job.public_id): job.name for job in jobs}
    described = {
        "job": lambda id: _("Job: %(name)s") % {"name": names.get(id, id)},
        "run": lambda id: _("Run: %(id)s") % {"id": id},
        "verdict": lambda value: str(VERDICT_LABELS[value]),
        "field": lambda name: _("Field: %(name)s") % {"name": name},
        "state": lambda value: _("State: %(name)s") % {"name": STATE_LABELS[value]},
        "repairable": lambda _flag: _("Can be repaired"),
        "record_key": lambda text: _("Key begins with: %(text)s") % {"text": text},
    }
    return [described[name](value) for name, value in filter.items() if name in described]
