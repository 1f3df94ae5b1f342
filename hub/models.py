"""The hub is an app too: the rows of audit, queue, cache, secrets, mail, and of how it stands."""

from hub.audit import AuditHead, AuditRow
from hub.cache import Cached
from hub.mail.models import Mail
from hub.queue import Beat, Bell
from hub.secrets import KeyCanary
from hub.standing import Replacement, SweepFailure, Worker
from hub.tally import Tally

__all__ = [
    "AuditHead",
    "AuditRow",
    "Beat",
    "Bell",
    "Cached",
    "KeyCanary",
    "Mail",
    "Replacement",
    "SweepFailure",
    "Tally",
    "Worker",
]
