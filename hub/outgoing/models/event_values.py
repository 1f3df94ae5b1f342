"""The index of values: which events name an order number, an id or a mail address.

It is written after events are accepted, by a task of its own, so that accepting an event costs
nothing for it.
"""

from django.db import models

from hub.outgoing.models.events import Event
from tenants.scoping import Scoped


class EventValue(Scoped):
    """One value of one event, as a digest that differs between tenants."""

    TENANT = "event__tenant"

    digest = models.BigIntegerField()
    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="values", db_constraint=False
    )

    class Meta(Scoped.Meta):
        indexes = (models.Index(fields=("digest", "-event"), name="values_of_events"),)

    def __str__(self) -> str:
        return f"value {self.digest} of event {self.event_id}"


class ValueIndexPosition(models.Model):
    """The position of the index of values: the row id of the last indexed event. One row."""

    last_event = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"indexed to event {self.last_event}"
