"""REST API: send log lines, and read how many were shipped."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from drf_spectacular.utils import OpenApiRequest
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.db.clock import clock
from hub.problems import Problem
from hub.problems.ndjson import JsonLinesParser, NdjsonParser
from hub.rest.idempotency import idempotency_key
from hub.rest.openapi import READ_PROBLEMS, describe_operation, header_parameter, request_example
from hub.rest.pagination import parse_query
from hub.scheduled.api import log_schema as schema
from hub.scheduled.log_intake.append import (
    ChunkInput,
    StoredChunk,
    build_chunk_input,
    submit_chunks,
)
from hub.scheduled.log_intake.lines import InvalidLine, LogLine, parse_lines
from hub.scheduled.models import LogSource
from hub.scheduled.shipping.figures import measure_logs, sum_figures
from tenants.access.api_authentication import api_key_of, resolve_tenant
from tenants.models import Tenant

MAX_BYTES = 1024 * 1024
MAX_LINES = 50_000  # of one request
MAX_TENANTS = 100  # whose lines one request may carry
PARSERS = (NdjsonParser, JsonLinesParser)
KEY_HEADER = header_parameter(
    "Idempotency-Key",
    "Required. A repeated request with the same key and the same lines gets the first answer, for "
    "at least 24 hours; the lines are stored once.",
    required=True,
)
REPLAYED_HEADER = header_parameter(
    "Idempotency-Replayed", "true: these lines were stored before.", response=[202]
)


class LogsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": "logs:write", "GET": "logs:read"}
    parser_classes = PARSERS

    takes_log_lines = True
    max_bytes = MAX_BYTES

    @describe_operation(
        "logs_position",
        "Read the position of log shipping",
        {200: schema.LogPositionSerializer},
        problems=(*READ_PROBLEMS, "tenant-required"),
        parameters=[schema.LogPositionQuery],
    )
    def get(self, request: Request) -> Response:
        """Return how many lines of a tenant were received and shipped, and how long the oldest
        waits.
        """
        query = parse_query(request, schema.LogPositionQuery)
        now, tenant = clock(), resolve_tenant(request, query.get("tenant"))
        figures = measure_logs(tenant, now=now)
        return Response(
            {
                "tenant": tenant.reference,
                **sum_figures(figures),
                "logs": schema.LogSerializer(figures, many=True).data,
            }
        )

    @describe_operation(
        "logs_send",
        "Send log lines",
        {202: schema.AcceptedLinesSerializer},
        problems=("invalid-line", "tenant-required", "tenant-not-found", "idempotency-key-reused"),
        request={parser.media_type: OpenApiRequest(schema.NDJSON_SCHEMA) for parser in PARSERS},
        parameters=[
            schema.LogsQuery,
            KEY_HEADER,
            REPLAYED_HEADER,
        ],
        requests=[
            request_example("two lines", schema.EXAMPLE_LINES, parser.media_type)
            for parser in PARSERS
        ],
    )
    def post(self, request: Request) -> Response:
        """Store up to 1 MiB of log lines, all or none. They are stored when the response is sent,
        and a job of log shipping sends them on.

        A bad line refuses the whole request; `detail` names it.
        """
        now, key = clock(), _require_idempotency_key(request)
        query = parse_query(request, schema.LogsQuery)
        lines = _parse_lines(request, now=now)
        lines_by_tenant = _group_by_tenant(request, lines, query.get("tenant", ""))
        inputs = [
            build_chunk_input(tenant, LogSource.API, key, tenant_lines, now=now)
            for tenant, tenant_lines in lines_by_tenant.items()
        ]
        return _build_answer(inputs, submit_chunks(inputs))


def _require_idempotency_key(request: Request) -> str:
    key = idempotency_key(request)
    if key is None:
        detail = "The header Idempotency-Key is required, so that repeated lines are stored once."
        error = {"pointer": "/Idempotency-Key", "detail": detail, "code": "required"}
        raise Problem("validation-failed", detail, errors=[error])
    return key


def _parse_lines(request: Request, *, now: datetime) -> list[LogLine]:
    # without a body, REST framework calls no parser
    raw = request.data if isinstance(request.data, bytes) else b""
    if raw.count(b"\n") > MAX_LINES:
        raise Problem("payload-too-large", f"A request can have at most {MAX_LINES:,} lines.")
    lines = list(parse_lines(raw, now=now))
    if not lines:
        raise Problem("validation-failed", "The body has no lines. Send one JSON object a line.")
    return lines


def _group_by_tenant(
    request: Request, lines: Iterable[LogLine], named: str
) -> Mapping[Tenant, list[LogLine]]:
    """Return the lines of each tenant: of the tenant in the line, else `named`, else the key's.

    Raises InvalidLine with the code tenant-required or tenant-not-found, about the first such line.
    """
    own_tenant = api_key_of(request).tenant
    default = named or (own_tenant.reference if own_tenant else "")
    lines_by_reference: dict[str, list[LogLine]] = {}
    for line in lines:
        reference = line.tenant or default
        if not reference:
            raise InvalidLine(line.number, "It names no tenant.", code="tenant-required")
        lines_by_reference.setdefault(reference, []).append(line)
    tenants = _find_tenants(own_tenant, lines_by_reference)
    for reference, tenant_lines in lines_by_reference.items():
        if reference not in tenants:
            raise InvalidLine(
                tenant_lines[0].number, "Its tenant is unknown.", code="tenant-not-found"
            )
    return {tenants[reference]: lines_by_reference[reference] for reference in lines_by_reference}


def _find_tenants(own_tenant: Tenant | None, references: Collection[str]) -> dict[str, Tenant]:
    if len(references) > MAX_TENANTS:
        raise Problem(
            "payload-too-large", f"A request can have lines of at most {MAX_TENANTS} tenants."
        )
    tenants = [own_tenant] if own_tenant else Tenant.objects.filter(reference__in=references)
    return {tenant.reference: tenant for tenant in tenants}


def _build_answer(inputs: Sequence[ChunkInput], stored: Sequence[StoredChunk]) -> Response:
    chunks = [
        {
            "id": str(entry.chunk.public_id),
            "tenant": chunk_input.tenant.reference,
            "first_line": entry.chunk.first_line,
            "last_line": entry.chunk.first_line + entry.chunk.line_count - 1,
            "line_count": entry.chunk.line_count,
            "received_at": entry.chunk.received_at.isoformat().replace("+00:00", "Z"),
        }
        for chunk_input, entry in zip(inputs, stored, strict=True)
    ]
    received = sum(chunk_input.line_count for chunk_input in inputs)
    is_repeated = not any(entry.is_new for entry in stored)
    headers = {"Idempotency-Replayed": "true"} if is_repeated else {}
    return Response({"received": received, "chunks": chunks}, status=202, headers=headers)
