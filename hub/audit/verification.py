"""Verify the hash chains of the audit log."""

from hub.audit.models import AuditHead, AuditRow


def find_broken_link(chain: str) -> str:
    """Describe the first broken row of a chain: changed, or missing. Empty when the chain is intact."""
    previous, number = "", 0
    for audit_row in AuditRow.objects.filter(chain=chain).order_by("number").iterator():
        number += 1
        if audit_row.number != number:
            return f"row {number} is missing"
        if audit_row.previous != previous or audit_row.hash != audit_row.compute_hash():
            return f"row {number} was changed"
        previous = audit_row.hash
    head = AuditHead.objects.filter(chain=chain).first() or AuditHead(chain=chain)
    return (
        ""
        if (head.number, head.hash) == (number, previous)
        else f"what followed row {number} is missing"
    )
