"""Find routes and jobs of a tenant that do what a part would do, and so would do it twice."""

from collections.abc import Mapping, Sequence
from typing import Any

from hub.connections.models import Connection
from hub.outgoing.models import Route
from hub.outgoing.routing import matches_event_type
from hub.scheduled.models import Job, JobSchedule
from hub.scheduled.reconciliation.options import parse_reconcile_options
from hub.scheduled.reports.options import parse_report_options
from hub.scheduled.shipping.options import parse_shipping_options
from tenants.models import Tenant


def list_routes(tenant: Tenant) -> list[Route]:
    """Return the enabled routes that apply to the tenant's events; one statement."""
    return list(Route.objects.of(tenant).filter(enabled=True).order_by("pk"))


def list_jobs(tenant: Tenant) -> list[Job]:
    """Return the enabled jobs that run for the tenant; one statement."""
    excluded = JobSchedule.unscoped.filter(tenant=tenant, is_excluded=True).values("job")
    jobs = Job.objects.of(tenant).filter(is_enabled=True).exclude(pk__in=excluded)
    return list(jobs.order_by("pk"))


def find_route_overlap(route: Route, routes: Sequence[Route]) -> Route | None:
    """Return a route that sends the same events to the same account by the same action."""
    return next((other for other in routes if _has_same_effect(other, route)), None)


def find_job_overlap(job: Job, jobs: Sequence[Job]) -> Job | None:
    """Return a job that does the same work with the same account, at any time."""
    work = describe_work(job)
    return next(
        (
            other
            for other in jobs
            if (other.kind, other.connector_key) == (job.kind, job.connector_key)
            and other.connection_id in (None, _get_pk(job.connection))
            and describe_work(other) == work
        ),
        None,
    )


def describe_work(job: Job) -> Any:
    """Return a key that is equal for jobs that do the same work.

    It contains which figures a report posts where, which lines are shipped to which index, or which
    records are compared.
    """
    options: Mapping[str, Any] = job.options
    if job.kind == Job.Kind.REPORT:
        report = parse_report_options(options, job.connector_key)
        message = report.message
        return report.query, report.period, message.connector, message.action, message.channel
    if job.kind == Job.Kind.SHIP:
        shipping = parse_shipping_options(options)
        return shipping.source, shipping.collection, shipping.query, shipping.line_format.index
    if job.kind == Job.Kind.RECONCILE:
        compared = parse_reconcile_options(options)
        remote_object = compared.remote.query.get("object", "")
        return compared.local.collection, compared.remote.collection, remote_object, compared.match
    return options


def _has_same_effect(other: Route, route: Route) -> bool:
    return (
        (other.connector_key, other.action) == (route.connector_key, route.action)
        and other.connection_id in (None, _get_pk(route.connection))
        and other.origin_connector_key == route.origin_connector_key
        and matches_event_type(other.event_type, route.event_type)
        and other.filter in ("", route.filter)
    )


def _get_pk(connection: Connection | None) -> int | None:
    return connection.pk if connection else None
