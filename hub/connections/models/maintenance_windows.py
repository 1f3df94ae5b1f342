"""Declared maintenance of a system or a connection."""

from django.db import models
from django.utils import timezone

from hub.connections.models.connections import Connection, validate_connector_key
from tenants.models import User
from tenants.scoping import Scoped


class MaintenanceWindow(Scoped):
    """A period in which nothing is sent to a system or to one connection; its deliveries wait."""

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
