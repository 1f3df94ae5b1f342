"""REST API of runs: start, list, read, cancel and resume them, and read their logs."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.rest import openapi
from hub.rest.actions import ActionResource, build_action_urls
from hub.rest.fields import object_url
from hub.rest.idempotency import IdempotentAnswer, run_once
from hub.rest.pagination import PageQuery, paginate_response, parse_query
from hub.rest.validation import validate_data
from hub.scheduled.api import job_examples
from hub.scheduled.api.job_serializers import (
    RunLogEntrySerializer,
    RunSerializer,
    StartRunSerializer,
)
from hub.scheduled.api.jobs import READ, WRITE, find_job, resolve_job_tenant
from hub.scheduled.models import Run, RunLogEntry
from hub.scheduled.runs.run_actions import RUN_ACTIONS, start_run
from tenants.access.api_authentication import filter_by_tenant
from tenants.scoping import visible_rows

RUN_FILTERS: dict[str, Callable[[Any], Q]] = {
    "job": lambda id: Q(job__public_id=id),
    "kind": lambda kind: Q(job__kind=kind),
    "state": lambda state: Q(state=state),
}


class RunsQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    job = serializers.UUIDField(required=False)
    kind = serializers.CharField(max_length=12, required=False)
    state = serializers.ChoiceField(Run.State.choices, required=False)


def visible_runs(request: Request) -> QuerySet[Run]:
    """Select the runs of the key's tenant, or of all tenants."""
    runs: QuerySet[Run] = visible_rows(Run, request.user).select_related("job", "tenant")
    return runs


def find_run(request: Request, id: UUID) -> Run:
    return get_object_or_404(visible_runs(request), public_id=id)


class JobRunsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @openapi.describe_operation(
        "jobs_start_run",
        "Start a run of a job",
        {202: RunSerializer},
        problems=(*openapi.CHANGE_PROBLEMS, "tenant-required", "tenant-not-found"),
        request=StartRunSerializer,
        requests=[openapi.request_example("a dry run", {"dry": True})],
        examples={"requested": job_examples.REQUESTED_RUN | {"dry": True}},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Start a run outside of the schedule. It waits while another run of the job and tenant
        has not ended. A repeated request with the same Idempotency-Key starts one run.
        """
        now, job = clock(), find_job(request, id)
        data = validate_data(StartRunSerializer, request.data)
        tenant = resolve_job_tenant(request, job, data.get("tenant"))
        actor = ActorContext.of_request(request)

        def start() -> IdempotentAnswer:
            run = start_run(job, tenant, actor, is_dry=data["dry"], now=now)
            return IdempotentAnswer(dict(RunSerializer(run).data), location=object_url("run", run))

        return run_once(request, start, now=now)


class RunsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "runs_list",
        "List runs",
        {200: openapi.page_schema(RunSerializer, "RunPage")},
        problems=openapi.READ_PROBLEMS,
        parameters=[RunsQuery],
        examples={"a page": openapi.list_example(job_examples.RUN)},
    )
    def get(self, request: Request) -> Response:
        """List runs, newest first."""
        query = parse_query(request, RunsQuery)
        runs = filter_by_tenant(request, visible_runs(request), query)
        for name in RUN_FILTERS.keys() & query.keys():
            runs = runs.filter(RUN_FILTERS[name](query[name]))
        return paginate_response(request, runs, query, RunSerializer)


class RunView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "runs_read",
        "Read a run",
        {200: RunSerializer},
        problems=["not-found"],
        examples={"read": job_examples.RUN},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return a run with its progress, what it has spent of each quota, and its result."""
        return Response(RunSerializer(find_run(request, id)).data)


RUN_EXAMPLES = {"cancelled": job_examples.CANCELLED_RUN, "waiting": job_examples.RESUMED_RUN}
RUN_ACTION_URLS = build_action_urls(
    ActionResource(
        rows="runs",
        row="run",
        find=find_run,
        find_changeable=find_run,
        serializer=RunSerializer,
        serialize=lambda request, run: RunSerializer(run).data,
        build_example=lambda state: RUN_EXAMPLES[state],
    ),
    RUN_ACTIONS,
)


class RunLogView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "runs_log",
        "Read the log of a run",
        {200: openapi.list_schema(RunLogEntrySerializer, "RunLog")},
        problems=["not-found"],
        examples={"read": {"items": [job_examples.LOG_ENTRY]}},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return the log of a run, oldest first, at most 1,000 lines."""
        entries = RunLogEntry.unscoped.filter(run=find_run(request, id)).order_by("pk")
        return Response({"items": RunLogEntrySerializer(entries, many=True).data})
