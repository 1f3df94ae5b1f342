"""Verify the hash chains of the audit log."""

from collections.abc import Iterator
from dataclasses import dataclass

from hub.audit.models import AuditHead, AuditRow


@dataclass(frozen=True)
class ChainVerification:
    """The result for one chain: rows read, and the first broken one; empty when it is intact."""

    chain: str
    row_count: int
    problem: str


def verify_all_chains() -> Iterator[ChainVerification]:
    """Verify each chain that has a head or a row, in the order of their names."""
    heads = set(AuditHead.objects.values_list("chain", flat=True))
    chains = heads | set(AuditRow.objects.values_list("chain", flat=True).distinct())
    return map(verify_chain, sorted(chains))


def verify_chain(chain: str) -> ChainVerification:
    """Recompute the hash of every row, and compare the chain with its head.

    Rows are read one by one, so that a chain of any length fits in memory. The head is read before
    and after, so that rows that are appended meanwhile are not a problem.
    """
    expected, previous, number = _read_head(chain), "", 0
    for audit_row in AuditRow.objects.filter(chain=chain).order_by("number").iterator():
        number += 1
        if audit_row.number != number:
            return ChainVerification(chain, number, f"row {number} is missing")
        if audit_row.previous != previous or audit_row.hash != audit_row.compute_hash():
            return ChainVerification(chain, number, f"row {number} was changed")
        previous = audit_row.hash
        if number == expected.number and previous != expected.hash:
            return ChainVerification(chain, number, f"row {number} was changed")
    if number < expected.number:
        return ChainVerification(chain, number, f"rows after row {number} are missing")
    if number > _read_head(chain).number:
        return ChainVerification(chain, number, f"row {number} was added outside the product")
    return ChainVerification(chain, number, "")


def _read_head(chain: str) -> AuditHead:
    return AuditHead.objects.filter(chain=chain).first() or AuditHead(chain=chain)
