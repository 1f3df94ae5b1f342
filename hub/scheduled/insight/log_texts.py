"""The lines of a run's log as sentences."""

from collections.abc import Mapping

from django.utils.translation import gettext_noop as _

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
    "acknowledgements_forgotten": _("The system was restarted; lines are sent again."),
    "quota_wait": _("Waits for a quota."),
}


def describe_log_entry(entry: RunLogEntry) -> str:
    """Return a line of a log: its sentence, and its parameters by name."""
    text = LOG_TEXTS.get(entry.kind)
    words = translate_text(text) if text else entry.kind.replace("_", " ").capitalize()
    details = ", ".join(
        f"{name.replace('_', ' ')}: {format_parameter(value)}"
        for name, value in entry.parameters.items()
    )
    return f"{words.rstrip('.')}: {details}" if details else words


def format_parameter(value: object) -> str:
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return f"{value:,}" if is_count else str(value)
