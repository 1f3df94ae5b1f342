"""Leases: each contains its worker and process id, so a dead process's are freed."""

import os
from uuid import UUID

from hub.processes.worker_registry import current_worker_id

WORKER_BYTES, PROCESS_BYTES, LEASE_BYTES = 6, 4, 16


def new_lease() -> UUID:
    """Create a lease: six bytes of the worker's id, four of the process id, and six random ones."""
    prefix = process_prefix(current_worker_id(), os.getpid())
    return UUID(bytes=prefix + os.urandom(LEASE_BYTES - len(prefix)))


def worker_prefix(worker: UUID) -> bytes:
    return worker.bytes[:WORKER_BYTES]


def process_prefix(worker: UUID, pid: int) -> bytes:
    return worker_prefix(worker) + pid.to_bytes(PROCESS_BYTES, "big")


def lease_range(prefix: bytes) -> tuple[UUID, UUID]:
    """Return the smallest and the greatest lease with this prefix."""
    return (
        UUID(bytes=prefix.ljust(LEASE_BYTES, b"\0")),
        UUID(bytes=prefix.ljust(LEASE_BYTES, b"\xff")),
    )
