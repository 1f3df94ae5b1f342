"""The audit log: who did what to which object, and why.

Service functions take an `ActorContext` and call its `audit()`. Rows are append-only and chained by
hashes (`models`, `writer`), whose heads are sealed (`heads`); `verification` checks the chains,
and `acceptance` lets an operator go on after a finding.
"""

from hub.audit.actor import SYSTEM, Actor
from hub.audit.actor_context import ActorContext, audit_values, find_owning_tenant
from hub.audit.heads import TOTAL, AuditHead
from hub.audit.models import PLATFORM, AppendOnly, AuditRow, find_audit_rows
from hub.audit.verification import verify_all_chains, verify_chain, verify_total

__all__ = [
    "PLATFORM",
    "SYSTEM",
    "TOTAL",
    "Actor",
    "ActorContext",
    "AppendOnly",
    "AuditHead",
    "AuditRow",
    "audit_values",
    "find_audit_rows",
    "find_owning_tenant",
    "verify_all_chains",
    "verify_chain",
    "verify_total",
]
