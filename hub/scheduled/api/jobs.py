"""REST API of jobs: list, create, read, change and delete them, and list their slots."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.problems import Problem, StrictSerializer
from hub.problems.strict_json import parse_storable_float
from hub.rest import openapi
from hub.rest.fields import object_url
from hub.rest.pagination import PageQuery, parse_query
from hub.rest.validation import validate_data
from hub.rest.views import build_detail, build_list
from hub.scheduled.api.job_serializers import (
    JOB_CONNECTORS,
    ChangeJobSerializer,
    CreateJobSerializer,
    JobSerializer,
    MomentField,
    SlotsSerializer,
)
from hub.scheduled.jobs.job_actions import (
    build_job,
    change_job,
    create_job,
    delete_job,
)
from hub.scheduled.jobs.job_checks import API_NAMES
from hub.scheduled.jobs.kinds import JOB_KINDS
from hub.scheduled.models import HUB_KINDS, Job
from hub.scheduled.slots import list_slots
from tenants.access.api_authentication import (
    api_key_of,
    find_changeable_row,
    in_tenant,
    resolve_owner,
    resolve_tenant,
)
from tenants.models import Tenant
from tenants.scoping import visible_rows

READ, WRITE = "jobs:read", "jobs:write"
SHARED_JOB = "This job applies to all tenants. Only a platform key can change it."
PRIORITY_RESERVED = "Only a platform key can set the priority of a job."
COLUMNS = {name: column for column, name in API_NAMES.items()}
MAX_SLOTS = 1000  # of one answer
DEFAULT_PERIOD, MAX_PERIOD = timedelta(days=7), timedelta(days=800)
CREATE_PROBLEMS = ("tenant-required", "tenant-not-found", "permission-denied")
CHANGE_PROBLEMS = ("not-found", "permission-denied")


class JobsQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    kind = serializers.ChoiceField(Job.Kind.choices, required=False)
    connector = serializers.ChoiceField(JOB_CONNECTORS, required=False)
    enabled = serializers.BooleanField(required=False)


class SlotsQuery(StrictSerializer):
    from_query = True

    tenant = serializers.CharField(
        required=False, help_text="Required with a platform key for a job of all tenants."
    )
    until = MomentField(required=False, help_text="Omitted: seven days after `from`.")

    def get_fields(self) -> dict[str, serializers.Field]:
        start = MomentField(required=False, help_text="Included. Omitted: now.")
        return {"from": start, **super().get_fields()}


def visible_jobs(request: Request) -> QuerySet[Job]:
    """Select the jobs that the key may read: its tenant's own and those of all tenants."""
    jobs: QuerySet[Job] = visible_rows(Job, request.user).exclude(kind__in=HUB_KINDS)
    return jobs.select_related("tenant", "connection")


def find_job(request: Request, id: UUID) -> Job:
    return get_object_or_404(visible_jobs(request), public_id=id)


def _lock_changeable_job(request: Request, id: UUID) -> Job:
    """Lock a job for the transaction. Raises Problem if it is shared and the key a tenant's."""
    jobs = visible_jobs(request).select_for_update(of=("self",), no_key=True)
    return find_changeable_row(request, jobs, id, shared=SHARED_JOB)


def resolve_job_tenant(request: Request, job: Job, reference: str | None) -> Tenant:
    """Return the job's tenant; for a job of all tenants, the tenant in the request."""
    if job.tenant is None:
        return resolve_tenant(request, reference)
    if reference not in (None, job.tenant.reference):
        raise Problem("tenant-not-found")
    return job.tenant


def _read_columns(request: Request, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns in a body, with a connection that the key may see."""
    if "priority" in data and api_key_of(request).tenant is not None:
        raise Problem("permission-denied", PRIORITY_RESERVED)
    columns = {COLUMNS.get(name, name): data[name] for name in data.keys() - {"tenant"}}
    if id := columns.get("connection"):
        connection = visible_rows(Connection, request.user).filter(public_id=id).first()
        if connection is None:
            raise serializers.ValidationError({"connection": "There is no such connection."})
        columns["connection"] = connection
    return columns


def _list_request_examples() -> list[OpenApiExample]:
    """List a request for each kind of job, with the example of its options."""
    examples = []
    for kind, job_kind in JOB_KINDS.items():
        options = job_kind.options
        values = {
            "tenant": "acme",
            "kind": kind,
            "name": "Every Monday",
            "connector": options.example_connector,
            "cron": "0 9 * * mon",
            "options": options.build_example(),
        }
        examples.append(openapi.request_example(str(options.example_title), values))
    return examples


class JobsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}
    parse_float = staticmethod(parse_storable_float)

    get = build_list(
        "jobs_list",
        "List jobs",
        "List jobs, newest first: a tenant's own and those of the platform for all tenants.",
        JobSerializer,
        page="JobPage",
        rows=in_tenant(visible_jobs),
        query=JobsQuery,
        filters={"kind": "kind", "connector": "connector_key", "enabled": "is_enabled"},
    )

    @openapi.describe_operation(
        "jobs_create",
        "Create a job",
        {201: JobSerializer},
        problems=CREATE_PROBLEMS,
        request=CreateJobSerializer,
        requests=_list_request_examples(),
    )
    def post(self, request: Request) -> Response:
        """Create a job. Its first slot is the next one after now."""
        data = validate_data(CreateJobSerializer, request.data)
        job = build_job(tenant=resolve_owner(request, data), **_read_columns(request, data))
        create_job(job, ActorContext.of_request(request), now=clock())
        location = object_url("job", job)
        return Response(JobSerializer(job).data, status=201, headers={"Location": location})


class JobView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}
    parse_float = staticmethod(parse_storable_float)

    get = build_detail(
        "jobs_read",
        "Read a job",
        "Return a job.",
        JobSerializer,
        find_job,
    )

    @openapi.describe_operation(
        "jobs_change",
        "Change a job",
        {200: JobSerializer},
        problems=CHANGE_PROBLEMS,
        request=ChangeJobSerializer,
        requests=[openapi.request_example("disable it", {"enabled": False})],
    )
    def patch(self, request: Request, id: UUID) -> Response:
        """Change a job; omitted fields stay. After a change of `cron`, the next slot is after now.

        When it is disabled, runs that wait for their first start are skipped.
        """
        find_job(request, id)
        data = validate_data(ChangeJobSerializer, request.data)
        with transaction.atomic():
            job = _lock_changeable_job(request, id)
            for column, value in _read_columns(request, data).items():
                setattr(job, column, value)
            change_job(job, ActorContext.of_request(request), now=clock())
        return Response(JobSerializer(job).data)

    @openapi.describe_operation(
        "jobs_delete", "Delete a job", {204: None}, problems=[*CHANGE_PROBLEMS, "wrong-state"]
    )
    def delete(self, request: Request, id: UUID) -> Response:
        """Delete a job with its runs and discrepancies, if none of its runs is open."""
        with transaction.atomic():
            job = _lock_changeable_job(request, id)
            delete_job(job, ActorContext.of_request(request), now=clock())
        return Response(status=204)


class SlotsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "jobs_slots",
        "List the slots of a job",
        {200: SlotsSerializer},
        problems=("not-found", *openapi.READ_PROBLEMS, "tenant-required"),
        parameters=[SlotsQuery],
    )
    def get(self, request: Request, id: UUID) -> Response:
        """List the times from `from` up to before `until` at which the job is due, at most 1,000.

        A time that the clock shows twice counts once, at its first; one that it leaves out counts
        at the next valid time. Jobs of every hour are due in each hour. Whether the job is enabled
        does not matter.
        """
        job = find_job(request, id)
        query = parse_query(request, SlotsQuery)
        tenant = resolve_job_tenant(request, job, query.get("tenant"))
        start = query["from"] if "from" in query else clock()
        end = query["until"] if "until" in query else start + DEFAULT_PERIOD
        if end - start > MAX_PERIOD:
            raise serializers.ValidationError({"until": "At most 800 days after `from`."})
        slots = list_slots(job.cron, tenant.time_zone, start=start, end=end, limit=MAX_SLOTS + 1)
        zone = ZoneInfo(tenant.time_zone)
        return Response(
            {
                "tenant": tenant.reference,
                "time_zone": tenant.time_zone,
                "slots": [slot.astimezone(zone).isoformat() for slot in slots[:MAX_SLOTS]],
                "complete": len(slots) <= MAX_SLOTS,
            }
        )
