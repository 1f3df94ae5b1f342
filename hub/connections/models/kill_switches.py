"""Kill switches of the platform, a tenant, a connector, a route, or of all scheduled work."""

from django.db import models
from django.utils import timezone

from hub.connections.models.connections import Connection, validate_connector_key
from tenants.models import Tenant, User
from tenants.scoping import Scoped

# the widest first; routes and scheduled work are looked up at a claim
LANE_LEVELS = ("platform", "connector", "tenant")


class KillSwitch(Scoped):
    """A switch of staff that stops deliveries of the platform, a tenant, a connector or a route.

    The level *scheduled* stops all runs of jobs and no deliveries; the level *platform* both.
    """

    class Level(models.TextChoices):
        PLATFORM = "platform", "the whole platform"
        TENANT = "tenant", "one tenant"
        CONNECTOR = "connector", "one system"
        ROUTE = "route", "one route"
        SCHEDULED = "scheduled", "all scheduled work"

    # level and subject: one switch for each
    key = models.CharField(max_length=60, unique=True, editable=False)
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

    @classmethod
    def find_level_of(cls, connection: Connection) -> str:
        """Return the widest level at which a connection's lane is switched off; "" if it is not."""
        levels = set(
            cls.unscoped.filter(
                models.Q(scope="platform")
                | models.Q(scope="connector", connector_key=connection.connector_key)
                | models.Q(scope="tenant", tenant__isnull=False, tenant=connection.tenant_id)
            ).values_list("scope", flat=True)
        )
        return next((level for level in LANE_LEVELS if level in levels), "")

    @property
    def subject(self) -> str:
        named = {"tenant": self.tenant, "connector": self.connector_key, "route": self.route}.get(
            self.scope
        )
        if self.scope == self.Level.SCHEDULED:
            return "scheduled work"
        return f"{self.scope} {named}" if named else "the platform"
