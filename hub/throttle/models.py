"""One row for each scope whose quota we spend."""

from django.db import models


class Scope(models.Model):
    """What is left of one quota. `free_at` is the theoretical arrival time (GCRA) of the next call of a rate."""

    key = models.CharField(max_length=300, unique=True)  # "slack|method|T123|chat.postMessage"
    connector = models.CharField(max_length=40)
    kind = models.CharField(max_length=20)
    free_at = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)  # a 429's Retry-After, exactly
    probing = models.BooleanField(default=False)  # re-opened after a pause: one call goes first
    used = models.PositiveIntegerField(default=0)  # of a budget, in its window
    allowed = models.PositiveIntegerField(null=True, blank=True)  # as the provider reported it
    window_ends = models.DateTimeField(null=True, blank=True)
    limit = models.PositiveIntegerField(null=True, blank=True, help_text="Staff's own limit; empty: the connector's.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "quota"
        indexes = (models.Index(fields=("connector", "kind"), name="scope_by_connector"),)

    def __str__(self) -> str:
        return self.key
