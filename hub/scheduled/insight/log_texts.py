"""Convert the lines of a run's log to sentences."""

from collections.abc import Mapping

from django.utils.translation import gettext_noop as _

from hub.number_texts import format_whole
from hub.reason_codes import translate_text
from hub.scheduled.models import RunLogEntry

LOG_TEXTS: Mapping[str, str] = {
    "started": _("Started."),
    "resumed": _("Continued where it was interrupted."),
    "finished": _("Finished."),
    "failed": _("Failed."),
    "cancelled": _("Cancelled."),
    "blocked": _("Waits for a person."),
    "retried": _("Will be tried again."),
    "line_refused": _("The system refuses a line."),
    "not_acknowledged": _("Lines were not acknowledged in time, and are sent again."),
    "quota_wait": _("Waits for a quota."),
    "figures_read": _("The figures of the report were read."),
    "picture_failed": _("The chart could not be drawn. The message is sent without it."),
    "picture_refused": _("The system did not take the chart. The message is sent without it."),
    "changes_found": _("Changes were found that no webhook had reported."),
    "bulk_job": _("The system prepares the records as one job, which takes fewer calls."),
    "bulk_job_refused": _(
        "The system did not take or finish the job. The records are read by pages."
    ),
    "bulk_writing": _("The system writes the records as one job, which takes fewer calls."),
    "bulk_writing_refused": _(
        "The system did not take or finish the job. The records are sent as usual."
    ),
    # why records may be missing from a read
    "read_cut": _("A page of records was cut off, even when smaller pages were requested."),
    "read_unreadable": _("A page of records could not be read after three attempts."),
    "read_fewer_records": _("A page had fewer records than the system announced."),
    "read_not_a_record": _("Something that is no record was ignored."),
    "read_no_id": _("A record without a usable ID was ignored."),
    "read_invalid_version": _("A record with an unusable version was ignored."),
    "read_other_tenant": _("A record of another tenant was ignored."),
    "read_cursor_repeated": _("Reading ended early: the system returned to an earlier page."),
    "read_page_repeated": _("Reading ended early: the system sent the same page again."),
    "read_no_progress": _("Reading ended early: the system sent empty pages only."),
    "read_too_many_pages": _("Reading ended early: there are too many pages."),
    "read_changed_meanwhile": _("Records changed while reading was interrupted."),
    "read_resumed": _("Reading was interrupted, and records may have changed meanwhile."),
}


def describe_log_entry(entry: RunLogEntry) -> str:
    """Return a line of a log: its sentence, and those of its parameters that have a value."""
    text = LOG_TEXTS.get(entry.kind)
    words = translate_text(text) if text else entry.kind.replace("_", " ").capitalize()
    details = ", ".join(
        f"{name.replace('_', ' ')}: {format_parameter(value)}"
        for name, value in entry.parameters.items()
        if value is not None
    )
    return f"{words.rstrip('.')}: {details}" if details else words


def format_parameter(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return format_whole(value)
    return str(value)
