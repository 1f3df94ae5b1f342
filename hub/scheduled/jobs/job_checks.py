"""Check a job: its values, and whether they are consistent."""

from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from connectors.registry import CONNECTORS
from hub.connections.connecting.connect_links import OTHER_SYSTEM
from hub.problems import Refusal
from hub.scheduled.jobs.kinds import JOB_KINDS
from hub.scheduled.jobs.option_errors import NO_SUCH_CONNECTION, NO_SUCH_SYSTEM
from hub.scheduled.models import Job
from hub.scheduled.slots import InvalidCron, check_cron

MAX_MINUTES = 7 * 24 * 60  # of a window, and until a deadline
# of jobs that state none: a report is expected at its time, a reconciliation some time at night
DEFAULT_WINDOWS = {"reconcile": 240, "report": 15, "ship": 60, "sync": 120}
DEADLINE_AFTER_WINDOW = 120  # minutes, of jobs that state no deadline


API_NAMES = {"is_enabled": "enabled", "connector_key": "connector"}  # by column, where they differ


class InvalidJob(Refusal):
    """A job has invalid values. `errors`: a sentence by path, such as "options.fields.0.name"."""

    code = "validation-failed"

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{path}: {error}" for path, error in errors.items()))
        self.errors = errors

    def list_errors(self) -> list[dict[str, str]]:
        return [
            {"pointer": _build_pointer(path), "detail": str(error), "code": "invalid"}
            for path, error in self.errors.items()
        ]


def _build_pointer(path: str) -> str:
    """Return the JSON pointer of a path."""
    column, *rest = path.replace("[", ".").replace("]", "").split(".")
    return "/" + "/".join([API_NAMES.get(column, column), *rest])


def check_job(job: Job) -> None:
    """Raise InvalidJob unless the job's values are valid and consistent."""
    errors = _find_value_errors(job)
    errors |= {name: error for name, error in _find_fit_errors(job).items() if error}
    if not errors:
        errors = find_option_errors(job)
    if errors:
        raise InvalidJob(errors)


def _find_value_errors(job: Job) -> dict[str, str]:
    try:
        job.clean_fields(exclude={"tenant", "connection", "options"})
    except ValidationError as error:
        return {name: problems[0] for name, problems in error.message_dict.items()}
    return {}


def _find_fit_errors(job: Job) -> dict[str, str]:
    return {
        "cron": _find_cron_error(job.cron),
        "connector_key": _find_connector_error(job),
        "connection": _find_connection_error(job),
        "window_minutes": _find_minutes_error(job.window_minutes),
        "deadline_minutes": _find_minutes_error(job.deadline_minutes),
    }


def _find_cron_error(cron: str) -> str:
    try:
        check_cron(cron)
    except InvalidCron as error:
        return _("This is not a schedule: %(error)s.") % {"error": error}
    return ""


def _find_connector_error(job: Job) -> str:
    connector = CONNECTORS.get(job.connector_key)
    if connector is None:
        return _(NO_SUCH_SYSTEM)
    if connector.is_for_platform and job.tenant_id is not None:
        return _("Our own application belongs to no tenant: choose another system.")
    return ""


def _find_connection_error(job: Job) -> str:
    connection = job.connection
    if connection is None:
        return ""
    if job.tenant_id is None:
        return _("A job for all tenants uses each tenant's own connection. Leave this empty.")
    if connection.tenant_id != job.tenant_id:
        return _(NO_SUCH_CONNECTION)
    if connection.connector_key != job.connector_key:
        return _(OTHER_SYSTEM)
    return ""


def _find_minutes_error(minutes: int) -> str:
    if 1 <= minutes <= MAX_MINUTES:
        return ""
    return _("It must be a number of minutes from 1 to %(most)s.") % {"most": MAX_MINUTES}


def check_conflicts(job: Job) -> None:
    """Raise InvalidJob if another enabled job excludes the options of this enabled one."""
    find_conflicts = JOB_KINDS[job.kind].find_conflicts
    if job.is_enabled and find_conflicts and (errors := find_conflicts(job)):
        raise InvalidJob({f"options.{option}": error for option, error in errors.items()})


def find_option_errors(job: Job) -> dict[str, str]:
    """Return the errors of the job's options by path, from the check of its kind."""
    errors = JOB_KINDS[job.kind].options.find_errors(job.options, job.connector_key)
    return {f"options.{path}" if path else "options": error for path, error in errors.items()}
