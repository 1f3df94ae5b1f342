"""What stops deliveries from outside a connection: switches that are off, and declared maintenance."""

from django.db import models
from django.utils import timezone

from hub.connections.models.connections import Connection, validate_connector_key
from tenants.models import Tenant, User
from tenants.scoping import Scoped


class KillSwitch(Scoped):
    """Off: nothing goes for the platform, a tenant, a connector or a route; what is accepted meanwhile is held."""

    class Level(models.TextChoices):
        PLATFORM = "platform", "the whole platform"
        TENANT = "tenant", "one tenant"
        CONNECTOR = "connector", "one system"
        ROUTE = "route", "one route"

    key = models.CharField(
        max_length=60, unique=True, editable=False
    )  # one for each thing that is off
    scope = models.CharField(max_length=12, choices=Level)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, null=True, blank=True, related_name="kill_switches"
    )
    connector_key = models.CharField(max_length=40, blank=True, validators=[validate_connector_key])
    route = models.ForeignKey("outgoing.Route", on_delete=models.CASCADE, null=True, blank=True)
    reason = models.CharField(max_length=300)
    activated_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, editable=False
    )
    activated_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(Scoped.Meta):
        verbose_name_plural = "switches"

    def __str__(self) -> str:
        return f"{self.subject} is off"

    @property
    def subject(self) -> str:
        named = {"tenant": self.tenant, "connector": self.connector_key, "route": self.route}.get(
            self.scope
        )
        return f"{self.scope} {named}" if named else "the platform"


class MaintenanceWindow(Scoped):
    """A time in which nothing is sent to a whole connector, or to one connection; what is meant for it waits."""

    TENANT = "connection__tenant"

    connector_key = models.CharField(max_length=40, validators=[validate_connector_key])
    connection = models.ForeignKey(
        Connection,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        help_text="Empty: every connection of the system.",
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=300)
    declared_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, editable=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Scoped.Meta):
        indexes = (models.Index(fields=("ends_at",), name="windows_by_end"),)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")),
                name="window_ends_after_start",
            ),
        )

    def __str__(self) -> str:
        return f"maintenance of {self.connection or self.connector_key}"
