"""Saved views of a tenant's log, and the last visits of people."""

from django.db import models

from hub.db.ids import uuid7
from tenants.models import Tenant
from tenants.scoping import Scoped


class SavedView(Scoped):
    """A named filter of the log, saved for all members of the tenant."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, related_name="saved_views", db_index=False
    )
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1500)  # of a URL, without the question mark
    created_at = models.DateTimeField()

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(fields=("tenant", "name"), name="one_view_by_a_name"),
        )

    def __str__(self) -> str:
        return self.name


class PortalVisit(Scoped):
    """When a person last opened the tenant's pages. Written at most every ten minutes."""

    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, related_name="portal_visits", db_index=False
    )
    person = models.CharField(max_length=120)  # user:7, or guest: and our application's reference
    seen_at = models.DateTimeField()  # during the current visit
    changes_since = models.DateTimeField()  # the end of the visit before the current one

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(fields=("tenant", "person"), name="one_visit_of_a_person"),
        )

    def __str__(self) -> str:
        return f"{self.person} at {self.tenant_id}"
