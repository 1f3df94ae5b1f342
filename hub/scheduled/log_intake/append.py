"""Append lines to logs: number them without gaps, and store them as chunks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from hub.db.group_commit import GroupCommit
from hub.problems import Refusal
from hub.scheduled.log_intake.lines import LogLine, digest_lines, mask_lines, pack_lines
from hub.scheduled.models import Log, LogChunk, LogPosition
from tenants.models import Tenant

GROUP_SIZE = 32  # requests whose chunks are stored in one transaction
LogKey = tuple[int, str]  # the id of the tenant, and the source


class LinesConflict(Refusal):
    """The key was already used for other lines of this tenant."""

    code = "idempotency-key-reused"


@dataclass(frozen=True, slots=True)
class ChunkInput:
    """Lines of one tenant, packed. `key` identifies them within their log."""

    tenant: Tenant
    source: str
    key: str
    digest: str
    line_count: int
    size: int
    body: bytes
    received_at: datetime

    @property
    def log(self) -> LogKey:
        return self.tenant.pk, self.source


@dataclass(frozen=True, slots=True)
class StoredChunk:
    chunk: LogChunk
    is_new: bool  # False: the same lines were stored before, under the same key


def build_chunk_input(
    tenant: Tenant, source: str, key: str, lines: Sequence[LogLine], *, now: datetime
) -> ChunkInput:
    """Mask secrets in the lines and pack them. The digest is that of the lines as received."""
    body, size = pack_lines(mask_lines(lines))
    return ChunkInput(tenant, source, key, digest_lines(lines), len(lines), size, body, now)


def append_chunks(inputs: Sequence[ChunkInput]) -> list[StoredChunk]:
    """Store all chunks or none, in a fixed number of queries. Raises LinesConflict."""
    (result,) = append_independently([inputs])
    if isinstance(result, Exception):
        raise result
    return result


@transaction.atomic
def append_independently(
    requests: Sequence[Sequence[ChunkInput]],
) -> list[list[StoredChunk] | Exception]:
    """Store the chunks of several requests in one transaction; each is stored whole or refused.

    The logs stay locked until the transaction ends.
    """
    inputs = [chunk_input for request in requests for chunk_input in request]
    appending = Appending(inputs)
    results: list[list[StoredChunk] | Exception] = []
    for request in requests:
        results.append(appending.append_request(request))
    appending.save()
    return results


class Appending:
    """The logs and known chunks of one transaction, and the chunks that it adds."""

    def __init__(self, inputs: Sequence[ChunkInput]) -> None:
        self.logs = lock_logs({chunk_input.log for chunk_input in inputs})
        self.chunks = find_chunks(inputs)
        self.added: list[LogChunk] = []

    def append_request(self, request: Sequence[ChunkInput]) -> list[StoredChunk] | Exception:
        for chunk_input in request:
            stored = self.chunks.get((*chunk_input.log, chunk_input.key))
            if stored is not None and stored.digest != chunk_input.digest:
                return LinesConflict(chunk_input.key)
        return [self.append(chunk_input) for chunk_input in request]

    def append(self, chunk_input: ChunkInput) -> StoredChunk:
        identity = (*chunk_input.log, chunk_input.key)
        if (stored := self.chunks.get(identity)) is not None:
            return StoredChunk(stored, is_new=False)
        log = self.logs[chunk_input.log]
        chunk = LogChunk(
            tenant=chunk_input.tenant,
            source=chunk_input.source,
            idempotency_key=chunk_input.key,
            digest=chunk_input.digest,
            first_line=log.next_line,
            line_count=chunk_input.line_count,
            size=chunk_input.size,
            body=chunk_input.body,
            received_at=chunk_input.received_at,
        )
        log.next_line += chunk_input.line_count
        log.received_at = chunk_input.received_at
        self.chunks[identity] = chunk
        self.added.append(chunk)
        return StoredChunk(chunk, is_new=True)

    def save(self) -> None:
        if self.added:
            LogChunk.unscoped.bulk_create(self.added)
            changed = {(chunk.tenant_id, chunk.source) for chunk in self.added}
            Log.unscoped.bulk_update(
                [self.logs[key] for key in sorted(changed)], ["next_line", "received_at"]
            )


def lock_logs(keys: set[LogKey]) -> dict[LogKey, Log]:
    """Lock these logs, always in the same order; create those that are missing."""
    logs = _select_logs(keys)
    if missing := sorted(keys - logs.keys()):
        Log.unscoped.bulk_create(
            [Log(tenant_id=tenant, source=source) for tenant, source in missing],
            ignore_conflicts=True,
        )
        logs = _select_logs(keys)
        created = [logs[key] for key in missing]
        LogPosition.unscoped.bulk_create(
            LogPosition(tenant_id=log.tenant_id, log=log)
            for log in created
            if not log.positions.exists()
        )
    return logs


def _select_logs(keys: set[LogKey]) -> dict[LogKey, Log]:
    rows = Log.unscoped.select_for_update(no_key=True).filter(
        tenant__in={tenant for tenant, _ in keys}, source__in={source for _, source in keys}
    )
    logs = {(row.tenant_id, row.source): row for row in rows.order_by("tenant_id", "source")}
    return {key: logs[key] for key in keys & logs.keys()}


def find_chunks(inputs: Sequence[ChunkInput]) -> dict[tuple[int, str, str], LogChunk]:
    """Return the stored chunks of these keys, without their bodies."""
    rows = LogChunk.unscoped.defer("body").filter(
        tenant__in={chunk_input.tenant.pk for chunk_input in inputs},
        source__in={chunk_input.source for chunk_input in inputs},
        idempotency_key__in={chunk_input.key for chunk_input in inputs},
    )
    return {(row.tenant_id, row.source, row.idempotency_key): row for row in rows}


submit_chunks = GroupCommit(append_independently, max_batch=GROUP_SIZE)
