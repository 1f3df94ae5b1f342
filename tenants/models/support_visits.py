"""Support visits: staff read a tenant's pages for a time, for a reason that the tenant sees."""

from datetime import datetime, timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from hub.db.ids import uuid7
from tenants.models.tenants import Tenant
from tenants.models.users import User
from tenants.scoping import Scoped


class SupportVisit(Scoped):
    """A read-only visit of one member of staff to a tenant's pages; it belongs to one session."""

    LENGTH = timedelta(minutes=30)

    class EndCause(models.TextChoices):
        STAFF = "staff", _("ended by support")
        TIME = "time", _("the time was over")
        SIGN_OUT = "sign_out", _("support signed out")
        PERMISSION = "permission", _("the permission was withdrawn")
        REPLACED = "replaced", _("support opened other pages")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="support_visits")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    visitor = models.CharField(max_length=200, help_text="The e-mail address of the visitor.")
    reason = models.CharField(max_length=300)
    ticket = models.CharField(max_length=100, blank=True)
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    end_cause = models.CharField(max_length=20, blank=True, choices=EndCause)

    def __str__(self) -> str:
        return f"{self.visitor} at {self.tenant}"

    def is_active(self, *, now: datetime) -> bool:
        return self.ended_at is None and self.expires_at > now
