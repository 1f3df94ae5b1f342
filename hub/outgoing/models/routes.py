"""Routes: which events go to which connections, by which action and mapping."""

from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from connectors.registry import CONNECTORS
from hub.connections.models import Connection, validate_connector_key
from hub.db.ids import uuid7
from hub.mappings.models import FieldMapping
from tenants.models import Tenant
from tenants.scoping import Scoped

TYPE_PATTERN = RegexValidator(
    r"\A(\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)\Z",
    "An event type, or a prefix with .* such as order.*",
)


def matches_event_type(pattern: str, type: str) -> bool:
    """Return whether a pattern matches an event type: itself, a prefix with .*, or * for all."""
    return pattern in ("*", type) or (pattern.endswith(".*") and type.startswith(pattern[:-1]))


class Route(Scoped):
    """A rule: events of a type that pass the filter cause an action, with a mapping."""

    SHARED = True

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(
        Tenant,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="routes",
        help_text="Empty: all tenants.",
    )
    name = models.CharField(max_length=200)
    event_type = models.CharField("event type", max_length=120, validators=[TYPE_PATTERN])
    # where the events come from: empty for our own application, or a connector, and one connection
    origin_connector_key = models.CharField(
        "received from",
        max_length=40,
        blank=True,
        default="",
        db_default="",
        validators=[validate_connector_key],
        help_text="Empty: events of our own application.",
    )
    origin = models.ForeignKey(
        Connection,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="routes_of_received_events",
        help_text="Empty: every connection of the tenant at the system the events come from.",
    )
    filter = models.TextField(blank=True, help_text="JMESPath; empty: all events of the type.")
    connector_key = models.CharField(max_length=40, validators=[validate_connector_key])
    connection = models.ForeignKey(
        Connection,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="routes",
        help_text="Empty: all connections of the tenant at the connector.",
    )
    action = models.CharField(max_length=40)
    mapping = models.ForeignKey(FieldMapping, on_delete=models.PROTECT, related_name="routes")
    retry_schedule = models.JSONField(
        default=list,
        blank=True,
        help_text="Seconds between attempts; empty: the default schedule over 75 hours.",
    )
    ordered = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Each delivery is sent only after the previous one has arrived.",
    )
    order_key = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text=(
            "JMESPath; only events with the same key keep their order. Empty: all events of "
            "the connection."
        ),
    )
    never_twice = models.BooleanField(
        default=False,
        db_default=False,
        help_text=(
            "Deliveries that may have arrived are not retried automatically, unless the system "
            "recognises repetitions."
        ),
    )
    expires_after = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Seconds after which a delivery is not sent any more; empty: no expiry.",
    )
    enabled = models.BooleanField(default=True)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Scoped.Meta):
        indexes = (models.Index(fields=("tenant", "event_type"), name="routes_of_tenant"),)

    def __str__(self) -> str:
        return self.name

    def accepts_origin(self, origin: Connection | None) -> bool:
        """Return whether events of this origin match; None is our own application."""
        if origin is None:
            return not self.origin_connector_key
        return self.origin_connector_key == origin.connector_key and self.origin_id in (
            None,
            origin.pk,
        )

    @property
    def is_held_when_unknown(self) -> bool:
        """Return whether a possibly delivered message is held until a person decides.

        This is so if the route says `never_twice` and the action cannot recognise a repetition by
        our id.
        """
        try:
            return (
                self.never_twice
                and not CONNECTORS[self.connector_key].action(self.action).is_idempotent
            )
        except LookupError:
            return True
