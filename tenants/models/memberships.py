"""Members of a tenant, and invitations to become one."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hub.db.ids import uuid7
from hub.reason_codes import MAIL_REASONS
from tenants.models.tenants import Tenant
from tenants.models.users import User
from tenants.scoping import Scoped


class Membership(Scoped):
    """A user's role in a tenant."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        ADMIN = "admin", _("Admin")
        MEMBER = "member", _("Member")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Scoped.Meta):
        constraints = (models.UniqueConstraint(fields=("tenant", "user"), name="one_membership"),)

    def __str__(self) -> str:
        return f"{self.user} at {self.tenant}"


class Invitation(Scoped):
    """An invitation by mail to join a tenant. Only the digest of the link's token is stored."""

    LIFETIME = timedelta(days=7)

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField("e-mail")
    role = models.CharField(max_length=10, choices=Membership.Role)
    inviter = models.CharField(
        max_length=200, help_text="The name of the inviter that the e-mail shows."
    )
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    # SHA-256 of the token, hex
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField()
    asked_at = models.DateTimeField(help_text="When the newest link was created.")
    sent_at = models.DateTimeField(
        null=True, help_text="When a mail server accepted the newest link; empty: not accepted yet."
    )
    # a code of MAIL_REASONS: why the mail was not sent
    mail_reason = models.CharField(max_length=60, blank=True, default="", db_default="")
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "email"),
                condition=Q(accepted_at=None, revoked_at=None),
                name="one_open_invitation",
            ),
        )

    def __str__(self) -> str:
        return f"{self.email} to {self.tenant}"

    def state(self, now: datetime) -> str:
        if self.accepted_at:
            return "accepted"
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at <= now else "pending"

    @property
    def mail_problem(self) -> str:
        """Return the sentence on why the last mail was not sent; "" if no failure is recorded."""
        return MAIL_REASONS[self.mail_reason].sentence if self.mail_reason else ""
