"""Webhook subscriptions: our registrations in external systems, desired and observed state."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hub.db.ids import uuid7
from hub.incoming.models.endpoints import InboundEndpoint
from tenants.models import Tenant
from tenants.scoping import Scoped


class WebhookAddress(models.Model):
    """The public URL of this installation under which its webhooks are registered; one row."""

    ONLY_ROW: ClassVar[int] = 1

    public_url = models.CharField(max_length=500)
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.public_url


class WebhookSubscription(Scoped):
    """One registration of an endpoint in its external system.

    `event_types` are those that the registration delivers: at most systems there is one
    registration per object and change, at Slack one for all. `is_wanted` is the desired state; the
    check of registrations sets the observed `state` with its time and evidence.
    """

    class State(models.TextChoices):
        WANTED = "wanted", _("Wanted")  # not created yet
        VERIFIED = "verified", _("Verified")
        UNCONFIRMED = "unconfirmed", _("Unconfirmed")  # verified before; its last check failed
        DRIFTED = "drifted", _("Drifted")
        EXPIRED = "expired", _("Expired")
        GONE = "gone", _("Gone")
        UNSUPPORTED = "unsupported", _("Unsupported")
        MANUAL = "manual", _("Manual")  # only a person can create or verify it

    # checks or repairs that failed in a row, from which on it counts as not repairable
    ALERTING_FAILURES: ClassVar[int] = 3
    # the reason of an event type that no registration of the system delivers
    NO_REGISTRATION: ClassVar[str] = "no_registration"
    UNHEALTHY_STATES: ClassVar[tuple[str, ...]] = ("drifted", "expired", "gone", "unsupported")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    endpoint = models.ForeignKey(
        InboundEndpoint, on_delete=models.CASCADE, related_name="subscriptions"
    )
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, null=True, blank=True)
    # identifies it among the registrations of its endpoint, such as person.change
    key = models.CharField(max_length=120)
    event_types = models.JSONField(default=list)
    is_wanted = models.BooleanField(default=True)
    state = models.CharField(max_length=12, choices=State, default=State.WANTED)
    reason = models.CharField(max_length=40, blank=True)  # why it is not verified
    detail = models.CharField(max_length=500, blank=True)
    evidence = models.JSONField(default=dict)  # what the system reported, without secrets
    # the system's id of the registration; for several objects, a JSON object of their ids
    external_id = models.CharField(max_length=400, blank=True)
    failure_count = models.PositiveSmallIntegerField(default=0)  # checks or repairs in a row
    checked_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)  # null: never
    last_item_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    state_changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(fields=("endpoint", "key"), name="one_subscription_per_key"),
        )
        indexes = (models.Index(fields=("tenant", "-id"), name="subscriptions_of_tenant"),)

    def __str__(self) -> str:
        return f"{self.key} of {self.endpoint}"
