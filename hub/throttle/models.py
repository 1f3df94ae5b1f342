"""Quotas: one row for each scope, and leases for calls in flight."""

from django.db import models


class QuotaState(models.Model):
    """The state of one quota.

    `free_at` is the theoretical arrival time (GCRA) of the next call of a rate.
    """

    key = models.CharField(max_length=300, unique=True)  # "slack|method|T123|chat.postMessage"
    # empty: a rate of the hub for all connectors
    connector_key = models.CharField(max_length=40, blank=True)
    kind = models.CharField(max_length=20)
    free_at = models.DateTimeField(null=True, blank=True)
    # the same for calls of low priority
    low_priority_free_at = models.DateTimeField(null=True, blank=True)
    # the same for calls that may be sent later than booked
    delayed_free_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)  # exactly the Retry-After of a 429
    is_probing = models.BooleanField(default=False)  # after the pause one call is sent as a probe
    used_units = models.PositiveIntegerField(default=0)  # units of a budget in its window
    # buckets of a rolling budget: [[end in seconds since 1970, units], …]
    usage_buckets = models.JSONField(default=list, blank=True)
    # limit that the system reported
    reported_limit = models.PositiveIntegerField(null=True, blank=True)
    window_ends = models.DateTimeField(null=True, blank=True)
    limit = models.PositiveIntegerField(
        null=True, blank=True, help_text="Staff's own limit; empty: the connector's."
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "quota"
        indexes = (models.Index(fields=("connector_key", "kind"), name="scope_by_connector"),)

    def __str__(self) -> str:
        return self.key

    @property
    def owner(self) -> str:
        """Return the account or connection that has the quota; "": it is shared by all."""
        return (self.key.split("|") + ["", ""])[2]

    @property
    def name(self) -> str:
        """Return the method, channel or host to which the quota applies."""
        return (self.key.split("|", 3) + ["", "", ""])[3]


class BackgroundShare(models.Model):
    """Staff's own share of a quota for background work, instead of the connector's."""

    # empty: a rate of the hub for all connectors
    connector_key = models.CharField(max_length=40, blank=True)
    # as in `Connector.quotas`: "account" or "method:chat.postMessage"
    quota_name = models.CharField(max_length=80)
    percent = models.PositiveSmallIntegerField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("connector_key", "quota_name"), name="one_background_share_per_quota"
            ),
            models.CheckConstraint(
                condition=models.Q(percent__gte=1, percent__lte=100),
                name="background_share_is_a_percentage",
            ),
        )

    def __str__(self) -> str:
        return f"{self.connector_key or 'hub'} {self.quota_name}: {self.percent} %"


class InFlightLease(models.Model):
    """Slots for calls in flight in one scope, which one pump holds until it ends."""

    key = models.CharField(max_length=300)  # of the scope
    lease = models.UUIDField()  # of the pump
    count = models.PositiveIntegerField()
    until = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("key", "lease"), name="one_holder_per_lease"),
        )
        indexes = (models.Index(fields=("lease",), name="holder_by_lease"),)

    def __str__(self) -> str:
        return f"{self.count} calls of {self.key}"
