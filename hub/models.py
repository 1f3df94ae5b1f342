"""The hub is an app too: the rows of audit, queue and secrets."""

from hub.audit import AuditHead, AuditRow
from hub.queue import Beat, Bell
from hub.secrets import KeyCanary

__all__ = ["AuditHead", "AuditRow", "Beat", "Bell", "KeyCanary"]
