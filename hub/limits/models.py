"""The usage of a limit by a tenant or an API key in the current window."""

from django.db import models


class LimitUsage(models.Model):
    """The usage of one limit by one subject; the next window overwrites the row."""

    subject = models.CharField(max_length=60)  # tenant:<public id> or key:<public part>
    name = models.CharField(max_length=20)  # of the limit
    window = models.BigIntegerField()  # seconds since 1970, divided by the limit's seconds
    # The amount granted to web processes; it may exceed the quota by rejected requests.
    used = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("subject", "name"), name="one_usage_of_a_limit"),
        )

    def __str__(self) -> str:
        return f"{self.name} of {self.subject}: {self.used}"
