"""Seal heads again that were changed outside the product, once a person has looked into it."""

from datetime import datetime

from django.db import transaction

from hub.audit.actor_context import ActorContext
from hub.audit.heads import TOTAL, AuditHead, SealedHead, find_last_row
from hub.audit.models import AuditRow


def accept_heads(actor: ActorContext, *, reason: str, now: datetime) -> list[str]:
    """Seal each head that does not fit its chain at the chain's last row, and the total at the
    number of chains. Return their names; each is audited in the chain of the platform.
    """
    heads = set(AuditHead.objects.exclude(chain=TOTAL).values_list("chain", flat=True))
    chains = heads | set(AuditRow.objects.values_list("chain", flat=True).distinct())
    return [
        chain
        for chain in (*sorted(chains), TOTAL)
        if accept_head(chain, actor, reason=reason, now=now)
    ]


@transaction.atomic
def accept_head(chain: str, actor: ActorContext, *, reason: str, now: datetime) -> bool:
    """Seal the head as its chain is now; return whether it was another one."""
    head, _ = AuditHead.lock(chain)
    end = _find_end(chain)
    if head.find_doubtful() is None and head.number == end.number:
        return False
    before = {"number": (head.open_seal() or head).number}
    head.replace(end)
    after = {"number": head.number}
    actor.audit("audithead.accept", head, reason=reason, before=before, after=after, now=now)
    return True


def _find_end(chain: str) -> SealedHead:
    if chain == TOTAL:
        return SealedHead(AuditHead.objects.exclude(chain=TOTAL).count(), "")
    return find_last_row(chain)
