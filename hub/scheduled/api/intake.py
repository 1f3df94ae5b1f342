"""Intake: convert the lines of a request to chunks, and stored chunks to the answer."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.problems import Problem
from hub.scheduled.log_intake.append import ChunkInput, StoredChunk, build_chunk_input
from hub.scheduled.log_intake.lines import InvalidLine, LogLine, parse_lines
from hub.scheduled.models import LogSource
from tenants.models import Tenant

MAX_LINES = 50_000  # of one request
MAX_TENANTS = 100  # whose lines one request may carry


@dataclass(frozen=True, slots=True)
class SentLines:
    """The body of a request, and what identifies it."""

    own_tenant: Tenant | None  # of the API key; None for a platform key
    named_tenant: str  # reference of the tenant in the query, or empty
    key: str  # the Idempotency-Key
    raw: bytes


def parse_chunk_inputs(sent: SentLines, *, now: datetime) -> list[ChunkInput]:
    """Build one chunk for each tenant. Raises InvalidLine, and Problem about the whole body."""
    lines_by_tenant = _group_by_tenant(
        sent.own_tenant, _parse_lines(sent.raw, now=now), sent.named_tenant
    )
    return [
        build_chunk_input(tenant, LogSource.API, sent.key, tenant_lines, now=now)
        for tenant, tenant_lines in lines_by_tenant.items()
    ]


def _parse_lines(raw: bytes, *, now: datetime) -> list[LogLine]:
    if raw.count(b"\n") > MAX_LINES:
        raise Problem("payload-too-large", f"A request can have at most {MAX_LINES:,} lines.")
    lines = list(parse_lines(raw, now=now))
    if not lines:
        raise Problem("validation-failed", "The body has no lines. Send one JSON object a line.")
    return lines


def _group_by_tenant(
    own_tenant: Tenant | None, lines: Iterable[LogLine], named: str
) -> Mapping[Tenant, list[LogLine]]:
    """Return the lines of each tenant: of the tenant in the line, else `named`, else the key's.

    Raises InvalidLine with the code tenant-required or tenant-not-found, about the first such line.
    """
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


def serialize_stored_chunks(
    inputs: Sequence[ChunkInput], stored: Sequence[StoredChunk]
) -> dict[str, Any]:
    """Build the data that AcceptedLinesSerializer describes."""
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
    return {"received": received, "chunks": chunks}


def build_replayed_header(stored: Sequence[StoredChunk]) -> dict[str, str]:
    is_repeated = not any(entry.is_new for entry in stored)
    return {"Idempotency-Replayed": "true"} if is_repeated else {}
