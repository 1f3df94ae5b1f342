"""REST API of runs: start, list, read, cancel and resume them, and read their logs."""

from typing import ClassVar
from uuid import UUID

from django.db.models import QuerySet
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
from hub.rest.pagination import PageQuery
from hub.rest.validation import validate_data
from hub.rest.views import build_detail, build_list
from hub.scheduled.api.job_serializers import (
    RunLogEntrySerializer,
    RunSerializer,
    StartRunSerializer,
)
from hub.scheduled.api.jobs import READ, WRITE, find_job, resolve_job_tenant
from hub.scheduled.models import Run, RunLogEntry
from hub.scheduled.runs.run_actions import RUN_ACTIONS, start_run
from tenants.access.api_authentication import in_tenant
from tenants.scoping import visible_rows


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

    get = build_list(
        "runs_list",
        "List runs",
        "List runs, newest first.",
        RunSerializer,
        page="RunPage",
        rows=in_tenant(visible_runs),
        query=RunsQuery,
        filters={"job": "job__public_id", "kind": "job__kind", "state": "state"},
    )


class RunView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    get = build_detail(
        "runs_read",
        "Read a run",
        "Return a run with its progress, what it has spent of each quota, and its result.",
        RunSerializer,
        find_run,
    )


RUN_ACTION_URLS = build_action_urls(
    ActionResource(
        rows="runs",
        row="run",
        find=find_run,
        find_changeable=find_run,
        serializer=RunSerializer,
        serialize=lambda request, run: RunSerializer(run).data,
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
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return the log of a run, oldest first, at most 1,000 lines."""
        entries = RunLogEntry.unscoped.filter(run=find_run(request, id)).order_by("pk")
        return Response({"items": RunLogEntrySerializer(entries, many=True).data})
