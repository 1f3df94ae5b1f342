"""Links by which our own application lets its users into a tenant's pages."""

from datetime import datetime, timedelta

from django.db import models

from hub.db.ids import uuid7
from tenants.models.memberships import Membership
from tenants.models.tenants import Tenant
from tenants.scoping import Scoped


class PortalLink(Scoped):
    """A link that lets a user of our application into a tenant's pages; stored as a digest."""

    LIFETIME = timedelta(minutes=5)
    VISIT_LENGTH = timedelta(hours=1)  # how long a guest may stay
    # a link never makes an owner
    ROLES = ((Membership.Role.ADMIN, "Admin"), (Membership.Role.MEMBER, "Member"))

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="portal_links")
    role = models.CharField(max_length=10, choices=ROLES)
    reference = models.CharField(
        max_length=100, help_text="ID of the person in our own application."
    )
    name = models.CharField(max_length=150, blank=True)
    return_url = models.CharField(max_length=500, blank=True)
    # SHA-256 of the token, hex
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.reference} to {self.tenant}"

    def state(self, now: datetime) -> str:
        if self.revoked_at:
            return "revoked"
        if self.used_at:
            return "visiting" if self.used_at + self.VISIT_LENGTH > now else "used"
        return "pending" if self.expires_at > now else "expired"

    def is_pending(self, now: datetime) -> bool:
        return self.state(now) == "pending"

    def is_active(self, now: datetime) -> bool:
        """Return whether the link can still be used, or its guest's visit has not ended."""
        return self.state(now) in ("pending", "visiting")
