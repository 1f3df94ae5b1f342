"""REST API: send log lines, and read how many were shipped."""

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
from hub.scheduled.api.intake import (
    SentLines,
    build_replayed_header,
    parse_chunk_inputs,
    serialize_stored_chunks,
)
from hub.scheduled.log_intake.append import submit_chunks
from hub.scheduled.shipping.figures import measure_logs, sum_figures
from tenants.access.api_authentication import api_key_of, resolve_tenant

MAX_BYTES = 1024 * 1024
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
        """Return how many lines of a tenant were received and shipped, and the oldest's wait."""
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
        # without a body, REST framework calls no parser
        raw = request.data if isinstance(request.data, bytes) else b""
        sent = SentLines(api_key_of(request).tenant, query.get("tenant", ""), key, raw)
        inputs = parse_chunk_inputs(sent, now=now)
        stored = submit_chunks(inputs)
        return Response(
            serialize_stored_chunks(inputs, stored),
            status=202,
            headers=build_replayed_header(stored),
        )


def _require_idempotency_key(request: Request) -> str:
    key = idempotency_key(request)
    if key is None:
        detail = "The header Idempotency-Key is required, so that repeated lines are stored once."
        error = {"pointer": "/Idempotency-Key", "detail": detail, "code": "required"}
        raise Problem("validation-failed", detail, errors=[error])
    return key
