"""Run a report: read the figures, upload the chart, publish the message; each step once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors.file_uploads import FileContent
from connectors.outcomes import READ_ERRORS
from hub.connections.models import Connection
from hub.outgoing.models import Delivery
from hub.scheduled.reports.chart_picture import PictureFailed, draw_picture
from hub.scheduled.reports.figures import Figures
from hub.scheduled.reports.message import build_report
from hub.scheduled.reports.options import (
    OWN,
    RECORD_FIGURES,
    STATUS_FIGURES,
    ReportOptions,
    parse_report_options,
)
from hub.scheduled.reports.own_counts import read_own_figures
from hub.scheduled.reports.periods import Period, find_day, find_period
from hub.scheduled.reports.picture_upload import upload_picture
from hub.scheduled.reports.publishing import publish_report
from hub.scheduled.reports.queries import (
    UNREADABLE,
    read_record_figures,
    read_status_figures,
)
from hub.scheduled.runs.context import RunContext, RunFailed, check_options

READERS = {
    **dict.fromkeys(RECORD_FIGURES, read_record_figures),
    **dict.fromkeys(STATUS_FIGURES, read_status_figures),
    OWN: read_own_figures,
}
FILE_NAME = "report.png"
DRAWING_FAILED = "picture_failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of an interrupted run: figures read, and the chart uploaded or given up.

    `picture` is the id of the uploaded file; None if the upload was not tried yet.
    """

    period: Period
    figures: Figures
    picture: str | None = None
    picture_reason: str = ""  # why there is none

    def to_json(self) -> dict[str, Any]:
        return {
            "first_day": self.period.first_day.isoformat(),
            "end_day": self.period.end_day.isoformat(),
            "time_zone": self.period.zone.key,
            "is_moment": self.period.is_moment,
            "figures": self.figures.to_json(),
            "picture": self.picture,
            "picture_reason": self.picture_reason,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Progress":
        period = Period(
            date.fromisoformat(document["first_day"]),
            date.fromisoformat(document["end_day"]),
            ZoneInfo(document["time_zone"]),
            document.get("is_moment", False),
        )
        return cls(
            period,
            Figures.from_json(document["figures"]),
            document["picture"],
            document["picture_reason"],
        )


async def run_report(context: RunContext) -> Mapping[str, Any]:
    """Send the report of a run, and return its result.

    An interrupted run continues after the last stored step, so that one message is sent, with the
    figures that were read first.
    """
    job = context.job
    check_options(job)
    options = parse_report_options(job.options, job.connector_key)
    target = await context.find_connection(options.message.connector)
    progress = await _read_figures(context, options)
    if context.run.is_dry:
        return _build_result(context, options, progress, None)
    if progress.picture is None:
        progress = await _add_picture(context, options, target, progress)
        await context.save(progress.to_json(), done=len(progress.figures.rows))
    delivery = await _publish(context, options, target, progress)
    return _build_result(context, options, progress, delivery)


async def _read_figures(context: RunContext, options: ReportOptions) -> Progress:
    """Return the figures that an interrupted run stored, or read them. Raises RunFailed."""
    if "figures" in context.run.cursor:
        return Progress.from_json(context.run.cursor)
    zone = ZoneInfo(context.tenant.time_zone)
    started_at = context.run.slot_at or context.run.created_at
    is_state = options.query.kind in STATUS_FIGURES
    period = (
        find_day(started_at, zone) if is_state else find_period(options.period, started_at, zone)
    )
    try:
        figures = await READERS[options.query.kind](context, options.query, period)
    except READ_ERRORS as error:
        raise RunFailed(UNREADABLE, f"{type(error).__name__}: {error}"[:200]) from error
    progress = Progress(period, figures)
    await context.save(progress.to_json(), done=len(figures.rows), expected=len(figures.rows))
    await context.log("figures_read", rows=len(figures.rows), period=period.label)
    return progress


async def _add_picture(
    context: RunContext, options: ReportOptions, target: Connection, progress: Progress
) -> Progress:
    """Draw and upload the chart. If that fails, the message has only the table."""
    figures = progress.figures
    has_chart = options.shows_chart and len(figures.rows) > 1 and not figures.is_empty
    if not has_chart or target.connector.file_upload is None:
        return replace(progress, picture="")
    report = _build_document(context, options, progress)
    try:
        content = await draw_picture(
            figures,
            find_charted_measure(figures, options.chart_measure),
            title=report["title"],
            subtitle=progress.period.label,
        )
    except PictureFailed as error:
        await context.log(DRAWING_FAILED, level="warning", detail=str(error))
        return replace(progress, picture="", picture_reason=DRAWING_FAILED)
    file = FileContent(FILE_NAME, content, "image/png", report["summary"])
    outcome = await upload_picture(context, target, file)
    if outcome.kind == "delivered":
        return replace(progress, picture=outcome.reference)
    await context.log("picture_refused", level="warning", reason=outcome.reason)
    return replace(progress, picture="", picture_reason=outcome.reason)


def find_charted_measure(figures: Figures, name: str) -> int:
    """Return the position of the measure in the chart: the named one, by default the second."""
    names = [measure.name for measure in figures.measures]
    return names.index(name) if name in names else min(1, len(names) - 1)


async def _publish(
    context: RunContext, options: ReportOptions, target: Connection, progress: Progress
) -> Delivery:
    """Publish the message under the run's lease; a resumed run returns what was published."""
    report = _build_document(context, options, progress)
    upload = target.connector.file_upload
    wait = timedelta(seconds=upload.ready_after_seconds if upload and progress.picture else 0)
    published: list[Delivery] = []

    def publish() -> None:
        published.append(
            publish_report(
                context.run, target, options.message, report, wait=wait, now=context.now()
            )
        )

    rows = len(progress.figures.rows)
    await context.save(progress.to_json(), done=rows, expected=rows, write=publish)
    return published[-1]


def _build_document(
    context: RunContext, options: ReportOptions, progress: Progress
) -> dict[str, Any]:
    return build_report(
        options,
        progress.figures,
        progress.period,
        name=context.job.name,
        picture=progress.picture or "",
    )


def _build_result(
    context: RunContext, options: ReportOptions, progress: Progress, delivery: Delivery | None
) -> dict[str, Any]:
    """Return the data for the run's page; `table` is the report's table as text."""
    report = _build_document(context, options, progress)
    shown = ("period", "is_empty", "columns", "rows", "totals", "summary", "table")
    return {
        **{name: report[name] for name in shown},
        "picture": progress.picture or "",
        "picture_reason": progress.picture_reason,
        "delivery": str(delivery.public_id) if delivery else "",
    }
