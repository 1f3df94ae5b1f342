"""Find jobs that would mix the lines of two reads of our application in one log."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from hub.scheduled.models import Job, LogSource
from hub.scheduled.shipping.options import parse_shipping_options

Read = tuple[str, Mapping[str, Any]]  # the collection, and its parameters


def find_log_conflicts(job: Job) -> dict[str, str]:
    """Return an error, by the path of the option, if another enabled job reads other lines."""
    if other := find_conflicting_job(job, job.tenant_id):
        text = _(
            "A tenant has one log of our application, and the job “%(job)s” reads other lines into "
            "it. Use its collection and query, or disable it."
        )
        return {"collection": text % {"job": other.name}}
    return {}


def find_conflicting_job(job: Job, tenant_id: int | None) -> Job | None:
    """Return an enabled job that reads another collection or query into this job's log of the
    tenant, or of any tenant; None if there is none.
    """
    read = _find_read(job)
    if read is None:
        return None
    others = Job.unscoped.filter(kind=Job.Kind.SHIP, is_enabled=True).exclude(pk=job.pk)
    if tenant_id is not None:
        others = others.filter(Q(tenant=tenant_id) | Q(tenant=None))
    return next(
        (other for other in others.order_by("pk") if _find_read(other) not in (None, read)), None
    )


def _find_read(job: Job) -> Read | None:
    """Return what the job reads of our application; None if it reads nothing there."""
    options = parse_shipping_options(job.options)
    is_read = options.source == LogSource.COLLECTION
    return (options.collection, options.query) if is_read else None
