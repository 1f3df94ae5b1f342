"""Integrations: recipes that are switched on for a tenant, with what each made."""

from collections.abc import Mapping
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hub.db.ids import uuid7
from hub.db.state_machine import StateMachine
from hub.mappings.models import FieldMapping
from hub.outgoing.models import Route
from hub.recipes.definitions import RECIPES, Recipe
from hub.scheduled.models import Job
from tenants.models import Tenant, User
from tenants.scoping import Scoped


class Integration(Scoped, StateMachine):
    """A recipe that is switched on for a tenant.

    `answers` are those to the recipe's questions; an account is stored as the connection's public
    id. `answer_names` are the names of chosen records, for display. The row of a removed
    integration stays until its last retired part is deleted.
    """

    class State(models.TextChoices):
        ON = "on", _("On")
        PAUSED = "paused", _("Paused")
        REMOVED = "removed", _("Removed")

    TRANSITIONS: ClassVar[Mapping[str, set[str]]] = {
        "on": {"paused", "removed"},
        "paused": {"on", "removed"},
    }

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="integrations")
    recipe_key = models.CharField(max_length=60)
    recipe_version = models.PositiveIntegerField()
    answers = models.JSONField(default=dict)
    answer_names = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.ON)
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Scoped.Meta):
        indexes = (models.Index(fields=("tenant", "-id"), name="integrations_of_tenant"),)

    def __str__(self) -> str:
        return self.title

    @property
    def recipe(self) -> Recipe | None:
        """Return the recipe in this release; None if it has none with this key."""
        return RECIPES.get(self.recipe_key)

    @property
    def title(self) -> str:
        return self.recipe.title if self.recipe else self.recipe_key

    @property
    def has_newer_recipe(self) -> bool:
        return self.recipe is not None and self.recipe.version > self.recipe_version

    @property
    def has_current_recipe(self) -> bool:
        """Return whether the integration has the recipe's version of this release.

        After a return to an earlier release, the recipe is older than the integration.
        """
        return self.recipe is not None and self.recipe.version == self.recipe_version


class IntegrationPart(Scoped):
    """A route with its mapping, or a job, that an integration created.

    `key` is the template's. `made` is the part as the recipe last created or changed it: later
    changes by a person are kept when the recipe or the answers change. A retired part is disabled,
    and deleted once it has no history. `mapping` is the one that was created; its route may use
    another one since. It cannot be deleted alone, as this row would be deleted with it.
    `was_disabled`: a person had disabled the part before the integration was paused, so resuming
    does not enable it.
    """

    TENANT = "integration__tenant"

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="parts")
    key = models.CharField(max_length=60)
    route = models.ForeignKey(
        Route, on_delete=models.CASCADE, null=True, related_name="integration_parts"
    )
    mapping = models.ForeignKey(
        FieldMapping, on_delete=models.RESTRICT, null=True, related_name="integration_parts"
    )
    job = models.ForeignKey(
        Job, on_delete=models.CASCADE, null=True, related_name="integration_parts"
    )
    made = models.JSONField(default=dict)
    was_disabled = models.BooleanField(default=False)
    retired_at = models.DateTimeField(null=True)

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("integration", "key"),
                condition=Q(retired_at=None),
                name="one_part_per_template",
            ),
            models.CheckConstraint(
                condition=Q(route__isnull=False, mapping__isnull=False, job__isnull=True)
                | Q(route__isnull=True, mapping__isnull=True, job__isnull=False),
                name="part_is_route_or_job",
            ),
        )
        indexes = (
            models.Index(
                fields=("id",), condition=Q(retired_at__isnull=False), name="parts_retired"
            ),
        )

    def __str__(self) -> str:
        return f"{self.key} of {self.integration_id}"

    @property
    def row(self) -> Route | Job:
        """Return the route or job."""
        row = self.route or self.job
        assert row is not None  # by the table's constraint
        return row

    @property
    def is_enabled(self) -> bool:
        row = self.row
        return row.enabled if isinstance(row, Route) else row.is_enabled
