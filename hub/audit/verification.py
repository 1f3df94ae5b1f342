"""Verify the hash chains of the audit log, their heads, and what an earlier run exported."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from hub.audit.heads import TOTAL, AuditHead
from hub.audit.models import AuditRow

ExportedHeads = Mapping[str, tuple[int, str]]  # number and hash of the last row, by chain


class NotAnExport(ValueError):
    """The text is not, or is only a part of, what an earlier run exported."""


@dataclass(frozen=True)
class ChainVerification:
    """The result for one chain: rows read, the last hash, the first broken row (empty: intact)."""

    chain: str
    row_count: int
    problem: str
    last_hash: str = ""


def verify_all_chains(exported: ExportedHeads | None = None) -> Iterator[ChainVerification]:
    """Verify each chain that has a head or a row, or that was exported, in order of their names."""
    exported = exported or {}
    heads = set(AuditHead.objects.exclude(chain=TOTAL).values_list("chain", flat=True))
    chains = heads | set(AuditRow.objects.values_list("chain", flat=True).distinct())
    for chain in sorted(chains | exported.keys()):
        yield verify_chain(chain, exported.get(chain, (0, "")))


def verify_chain(chain: str, exported: tuple[int, str] = (0, "")) -> ChainVerification:
    """Recompute all hashes, and compare the chain with its stored, sealed and exported head.

    Rows are read one by one, so that a chain of any length fits in memory. The head is read before
    and after, so that rows that are appended meanwhile are not a problem.
    """
    head, previous, number = _read_head(chain), "", 0
    expected = [(head.number, head.hash), (head.open_seal() or (0, ""))[:2], exported]
    for audit_row in AuditRow.objects.filter(chain=chain).order_by("number").iterator():
        number += 1
        if audit_row.number != number:
            return ChainVerification(chain, number, f"row {number} is missing")
        if audit_row.previous != previous or audit_row.hash != audit_row.compute_hash():
            return ChainVerification(chain, number, f"row {number} was changed")
        previous = audit_row.hash
        if any(row == number and row_hash != previous for row, row_hash in expected):
            return ChainVerification(chain, number, f"row {number} was changed")
    if number < max(row for row, _ in expected):
        return ChainVerification(chain, number, f"rows after row {number} are missing")
    return ChainVerification(chain, number, _find_head_problem(chain, number), previous)


def verify_total() -> str:
    """Return what is wrong with the number of chains; empty when none is missing or was added.

    The total is read before and after, as the heads of the chains.
    """
    total = _read_head(TOTAL)
    chains = AuditHead.objects.exclude(chain=TOTAL).count()
    latest = _read_head(TOTAL)
    if not chains and latest._state.adding:
        return ""  # nobody has acted yet
    least, most = total.open_seal(), latest.open_seal()
    if least is None or most is None or latest.find_doubtful() is not None:
        return "the number of chains was changed outside the product"
    if chains < least.number:
        return f"missing chains: {least.number - chains} of {least.number}"
    if chains > most.number:
        return f"chains added outside the product: {chains - most.number}"
    return ""


def _find_head_problem(chain: str, number: int) -> str:
    """Return what is wrong with the head of a chain whose rows are intact up to the number."""
    head = _read_head(chain)
    if number > head.number:
        return f"row {number} was added outside the product"
    doubtful = head.find_doubtful() if number else None
    return "" if doubtful is None else f"the head before row {doubtful} was changed"


def _read_head(chain: str) -> AuditHead:
    return AuditHead.objects.filter(chain=chain).first() or AuditHead(chain=chain)


def dump_export(verifications: Collection[ChainVerification]) -> str:
    """Return the last row of each verified chain as JSON, with the totals."""
    heads = {each.chain: [each.row_count, each.last_hash] for each in verifications}
    rows = sum(each.row_count for each in verifications)
    return json.dumps({"chains": len(heads), "rows": rows, "heads": heads}, indent=1) + "\n"


def parse_export(text: str) -> ExportedHeads:
    """Return what `dump_export` wrote. Raises NotAnExport, also where its totals do not fit."""
    try:
        export = json.loads(text)
        heads = {
            str(chain): (int(row), str(last)) for chain, (row, last) in export["heads"].items()
        }
        totals = (export["chains"], export["rows"])
    except (ValueError, TypeError, KeyError, AttributeError):
        raise NotAnExport from None
    if totals != (len(heads), sum(row for row, _ in heads.values())):
        raise NotAnExport
    return heads
