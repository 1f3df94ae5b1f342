"""Field mappings with their versions, and identities."""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from connectors.registry import CONNECTORS
from connectors.schema import Input
from hub.connections.models import Connection, validate_connector_key
from hub.db.ids import uuid7
from hub.mappings.body_order import list_leaf_paths, sort_by_inputs, sort_by_paths
from tenants.models import Tenant, User
from tenants.scoping import Scoped


class FieldMapping(Scoped):
    """A mapping for one action; its newest version applies."""

    SHARED = True

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, null=True, blank=True, related_name="mappings"
    )
    name = models.CharField(max_length=200)
    connector_key = models.CharField(max_length=40, validators=[validate_connector_key])
    action = models.CharField(max_length=40)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name

    @property
    def current(self) -> "MappingVersion":
        return self.versions.latest("number")


class MappingVersion(Scoped):
    """One version of a mapping. It never changes, as deliveries refer to it."""

    TENANT = "mapping__tenant"
    SHARED = True

    mapping = models.ForeignKey(FieldMapping, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    body = models.JSONField()
    # the paths of its leaves in the order in which a person wrote them, which a database does not
    # keep; null: it is not known
    field_order = models.JSONField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, editable=False
    )

    class Meta(Scoped.Meta):
        constraints = (models.UniqueConstraint(fields=("mapping", "number"), name="one_version"),)

    def __str__(self) -> str:
        return f"{self.mapping} v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the version. The first time, store the order of the fields in its body, too."""
        if self._state.adding and self.field_order is None:
            self.field_order = list_leaf_paths(self.body)
        super().save(*args, **kwargs)

    @property
    def ordered_body(self) -> dict[str, Any]:
        """Return the body in the order in which it was written, else as the action's inputs."""
        if self.field_order is not None:
            return sort_by_paths(self.body, self.field_order)
        return sort_by_inputs(self.body, self._action_inputs)

    @property
    def _action_inputs(self) -> Sequence[Input]:
        try:
            return CONNECTORS[self.mapping.connector_key].action(self.mapping.action).inputs
        except LookupError:  # of another release
            return ()


class Identity(Scoped):
    """The pair of our record and the other system's, within one connection.

    Mappings, incoming events and reconciliations use confirmed pairs only: see `confirmed`. A row
    that is not confirmed is a record of ours in the review queue; its `remote_id` is the
    suggestion, "" if there is none.
    """

    TENANT = "connection__tenant"

    class State(models.TextChoices):
        CONFIRMED = "confirmed"
        SUGGESTED = "suggested"
        AMBIGUOUS = "ambiguous"  # several candidates, or one that a person must look at
        UNMATCHED = "unmatched"
        IGNORED = "ignored"  # a person decided that our record has no counterpart

    class Source(models.TextChoices):
        HAND = "hand"
        CSV = "csv", "CSV"
        EMAIL = "email", "e-mail"
        LOGIN = "login"
        NAME = "name"
        FIRST_EVENT = "first_event"
        CREATED = "created"  # the hub created the one record for the other
        IMPORT = "import"  # by a program, over the API

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="identities")
    kind = models.CharField(max_length=60, help_text="Such as user, product or customer.")
    local_id = models.CharField(
        max_length=200, help_text="The id of our record, as events name it."
    )
    remote_id = models.CharField(max_length=200, help_text="The id in the external system.")
    name = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="The name in the external system; only shown to people.",
    )
    state = models.CharField(
        max_length=20,
        choices=State,
        default=State.CONFIRMED,
        db_default="confirmed",
        editable=False,
    )
    source = models.CharField(
        max_length=20, choices=Source, default=Source.HAND, db_default="hand", editable=False
    )
    # of a suggestion, 0 to 1; null: it was not compared
    confidence = models.FloatField(null=True, blank=True, editable=False)
    # a code of hub/identities/conflicts.py; empty: there is none
    conflict = models.CharField(
        max_length=30, blank=True, default="", db_default="", editable=False
    )
    # what a person needs for the decision: {"reason", "candidates": [{"remote_id", …}], …}
    evidence = models.JSONField(null=True, blank=True, editable=False)
    # of a kind that is paired one to one; False for doubles that were confirmed earlier
    is_exclusive = models.BooleanField(default=False, db_default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # by which deliveries held before are released
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Scoped.Meta):
        verbose_name_plural = "identities"
        constraints = (
            models.UniqueConstraint(fields=("connection", "kind", "local_id"), name="one_identity"),
            models.UniqueConstraint(
                fields=("connection", "kind", "remote_id"),
                condition=models.Q(state="confirmed", is_exclusive=True),
                name="one_identity_reversed",
            ),
        )
        indexes = (
            models.Index(fields=("connection", "kind", "remote_id"), name="identity_reversed"),
            models.Index(
                fields=("connection", "state", "kind", "local_id"),
                condition=~models.Q(state="confirmed"),
                name="identity_queue",
            ),
            models.Index(
                fields=("connection", "kind", "local_id"),
                condition=~models.Q(conflict=""),
                name="identity_conflicts",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.local_id} = {self.remote_id}"

    @classmethod
    def confirmed(cls) -> models.QuerySet["Identity"]:
        """Return a queryset of the confirmed pairs, which alone may be used, of all tenants."""
        return cls.unscoped.filter(state=cls.State.CONFIRMED)

    @property
    def cursor(self) -> str:
        """Return the identity's position by kind and local id, for keyset pagination."""
        return f"{self.kind}\n{self.local_id}"


class IdentityFallback(Scoped):
    """What happens to a delivery or an incoming event whose record has no confirmed identity.

    Without a row, a delivery is held, and an incoming event is published without our user.
    """

    TENANT = "connection__tenant"

    class Direction(models.TextChoices):
        OUT = "out", _("Deliveries to the other system")
        IN = "in", _("Events from the other system")

    class Choice(models.TextChoices):
        HOLD = "hold", _("Hold until a record is selected")
        DEFAULT = "default", _("Use a default record")
        SKIP = "skip", _("Skip, with a reason")

    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="identity_fallbacks"
    )
    kind = models.CharField(max_length=60)
    direction = models.CharField(max_length=3, choices=Direction)
    choice = models.CharField(max_length=10, choices=Choice)
    # of the choice *default*: the other system's id for deliveries, our id for incoming events
    default_id = models.CharField(max_length=200, blank=True, default="")
    # of the choice *skip*: why, for the people who read the log
    explanation = models.CharField(max_length=200, blank=True, default="")
    updated_at = models.DateTimeField()  # what was held before is decided again

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("connection", "kind", "direction"), name="one_identity_fallback"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.direction}: {self.choice}"


def match_identities_after(cursor: str) -> models.Q:
    """Match the identities after a cursor."""
    kind, _line, local_id = cursor.partition("\n")
    return models.Q(kind=kind, local_id__gt=local_id) | models.Q(kind__gt=kind)


def match_identity_prefix(term: str) -> models.Q:
    """Match the identities whose local or remote id begins with the search text."""
    return (
        models.Q(local_id__startswith=term) | models.Q(remote_id__startswith=term)
        if term
        else models.Q()
    )
