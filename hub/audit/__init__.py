"""The audit log: who did what to which object, and why.

Service functions take an `ActorContext` and call its `audit()`. Rows are append-only and chained by
hashes (`models`, `writer`); `verification` checks the chains.
"""

from hub.audit.actor import SYSTEM, Actor
from hub.audit.actor_context import ActorContext, find_owning_tenant
from hub.audit.models import PLATFORM, AppendOnly, AuditHead, AuditRow, find_audit_rows
from hub.audit.verification import verify_all_chains, verify_chain

__all__ = [
    "PLATFORM",
    "SYSTEM",
    "Actor",
    "ActorContext",
    "AppendOnly",
    "AuditHead",
    "AuditRow",
    "find_audit_rows",
    "find_owning_tenant",
    "verify_all_chains",
    "verify_chain",
]
