"""The heads of the chains: how far each chain goes, sealed under keys that the database lacks."""

from functools import partial
from typing import NamedTuple

from django.db import models

from hub.audit.models import AuditRow
from hub.crypto.sealed import CannotOpen, Sealed, SealedField, seal

TOTAL = "total"  # the name of the head that counts the chains


class SealedHead(NamedTuple):
    """What the hub sealed: the last row, and the first one that followed a changed head."""

    number: int
    hash: str
    doubtful: int | None = None


class AuditHead(models.Model):
    """The head of a chain, which a writer locks: number and hash of its last row.

    Both are sealed too: a person who can write to the database, but lacks HUB_FIELD_KEYS, can
    neither set a head back nor make one for rows of their own. The head TOTAL counts the chains.
    """

    chain = models.CharField(max_length=40, primary_key=True)
    number = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)
    sealed = SealedField(null=True)  # None: a process of an older version made it

    def __str__(self) -> str:
        return f"{self.chain} {self.number}"

    @classmethod
    def lock(cls, chain: str) -> tuple["AuditHead", bool]:
        """Return the head, locked until the transaction ends, and whether the chain is new."""
        defaults = {"sealed": partial(seal_head, chain, SealedHead(0, ""))}
        return cls.objects.select_for_update().get_or_create(chain=chain, defaults=defaults)

    def advance(self, number: int, row_hash: str) -> None:
        """Store the last row of the chain. If the head was changed outside the product, the chain
        goes on, but the new head says so for good.
        """
        self.replace(SealedHead(number, row_hash, self.find_doubtful()))

    def replace(self, head: SealedHead) -> None:
        self.number, self.hash, self.sealed = head.number, head.hash, seal_head(self.chain, head)
        self.save()

    def open_seal(self) -> SealedHead | None:
        """Return what the hub sealed; None if no key of HUB_FIELD_KEYS opens it."""
        try:
            return SealedHead(**self.sealed.open(_binding(self.chain))) if self.sealed else None
        except CannotOpen:
            return None

    def find_doubtful(self) -> int | None:
        """Return the number of the first row that does not follow a head of the hub's own."""
        head = self.open_seal()
        if head is None:
            return self.number + 1
        if head.doubtful is None and (head.number, head.hash) != (self.number, self.hash):
            return min(head.number, self.number) + 1
        return head.doubtful


def find_last_row(chain: str) -> SealedHead:
    """Return number and hash of the last row of a chain; 0 and "" if it has none."""
    rows = AuditRow.objects.filter(chain=chain).order_by("-number")
    return SealedHead(*rows.values_list("number", "hash").first() or (0, ""))


def seal_head(chain: str, head: SealedHead) -> Sealed:
    return seal(head._asdict(), _binding(chain))


def _binding(chain: str) -> str:
    return f"audit:{chain}"
