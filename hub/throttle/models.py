"""One row for each scope whose quota we spend, and who has calls in flight in it."""

from django.db import models


class QuotaState(models.Model):
    """What is left of one quota. `free_at` is the theoretical arrival time (GCRA) of the next call of a rate."""

    key = models.CharField(max_length=300, unique=True)  # "slack|method|T123|chat.postMessage"
    connector_key = models.CharField(
        max_length=40, blank=True
    )  # empty: it is the hub's own, of all connectors
    kind = models.CharField(max_length=20)
    free_at = models.DateTimeField(null=True, blank=True)
    low_priority_free_at = models.DateTimeField(
        null=True, blank=True
    )  # the same, of work that leaves room for live work
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)  # a 429's Retry-After, exactly
    probing = models.BooleanField(default=False)  # re-opened after a pause: one call goes first
    used = models.PositiveIntegerField(default=0)  # of a budget, in its window
    spent = models.JSONField(
        default=list, blank=True
    )  # of a rolling budget, by bucket: [[when it ends, units], …]
    allowed = models.PositiveIntegerField(null=True, blank=True)  # as the provider reported it
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
        """The account or connection that it is of; empty: everybody's."""
        return (self.key.split("|") + ["", ""])[2]

    @property
    def name(self) -> str:
        """Which method, channel or host."""
        return (self.key.split("|", 3) + ["", "", ""])[3]


class InFlightLease(models.Model):
    """Room that one pump took for calls in flight; it ends with the pump's life."""

    key = models.CharField(max_length=300)  # of the scope
    lease = models.UUIDField()  # the pump's
    count = models.PositiveIntegerField()
    until = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("key", "lease"), name="one_holder_per_lease"),
        )
        indexes = (models.Index(fields=("lease",), name="holder_by_lease"),)

    def __str__(self) -> str:
        return f"{self.count} calls of {self.key}"
