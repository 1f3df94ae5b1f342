"""Models of the app `hub`: audit, queue, cache, key canary, mail, counters and worker processes."""

from hub.audit import AuditHead, AuditRow
from hub.crypto.sealed import KeyCanary
from hub.db.cache import Cached
from hub.mail.models import Mail
from hub.metrics.counters import Tally
from hub.processes.loop_slots import LoopSlot
from hub.processes.worker_registry import Replacement, SweepFailure, Worker
from hub.queue import Heartbeat, WakeUp

__all__ = [
    "AuditHead",
    "AuditRow",
    "Heartbeat",
    "WakeUp",
    "Cached",
    "KeyCanary",
    "LoopSlot",
    "Mail",
    "Replacement",
    "SweepFailure",
    "Tally",
    "Worker",
]
