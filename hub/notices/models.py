"""What a person is told once, and whether somebody has seen it."""

from django.db import models
from django.db.models import Q

from tenants.models import Tenant
from tenants.scoping import Scoped


class Notice(Scoped):
    """One thing that the hub did or will do by itself, in a sentence."""

    key = models.CharField(max_length=120, unique=True, editable=False)  # the same again is not told again
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, null=True, blank=True, editable=False, related_name="notices"
    )
    connection = models.ForeignKey(
        "connections.Connection",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        editable=False,
        related_name="notices",
    )
    kind = models.CharField(max_length=40, editable=False)
    sentence = models.CharField(max_length=500, editable=False)
    seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(editable=False)

    class Meta(Scoped.Meta):
        indexes = (models.Index(fields=("-id",), condition=Q(seen_at=None), name="notices_unseen"),)

    def __str__(self) -> str:
        return self.sentence
