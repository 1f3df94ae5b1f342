"""The hub is an app too: the rows of audit, queue, cache, secrets, mail, and of how it stands."""

from hub.audit import AuditHead, AuditRow
from hub.cache import Cached
from hub.mail.models import Mail
from hub.queue import Heartbeat, WakeUp
from hub.secrets import KeyCanary
from hub.standing import Replacement, SweepFailure, Worker
from hub.tally import Tally

__all__ = [
    "AuditHead",
    "AuditRow",
    "Heartbeat",
    "WakeUp",
    "Cached",
    "KeyCanary",
    "Mail",
    "Replacement",
    "SweepFailure",
    "Tally",
    "Worker",
]
