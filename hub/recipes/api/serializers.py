"""Serializers of recipes, rehearsals and integrations."""

from collections.abc import Mapping, Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from hub.outgoing.serializers import DryRunSerializer, serialize_dry_run
from hub.problems import StrictSerializer
from hub.recipes.definitions import RECIPES, Recipe
from hub.recipes.models import Integration, IntegrationPart
from hub.recipes.rehearsal import PartRehearsal
from hub.rest.fields import ObjectField, TextField, object_url

RECIPE_CHOICES = [(key, key) for key in RECIPES]


class QuestionOptionSerializer(serializers.Serializer):
    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field has its own `label`


class QuestionSerializer(serializers.Serializer):
    key = serializers.CharField()
    kind = serializers.CharField(
        help_text="connection, choice, object, index, hour, select or text."
    )
    label = serializers.CharField()  # type: ignore[assignment]  # a field has its own `label`
    help = serializers.CharField()
    connector = serializers.CharField(help_text="Of an account or a list; empty: none.")
    choices = serializers.CharField(help_text="The kind of records to choose from; empty: none.")
    default = serializers.CharField(  # type: ignore[assignment]  # a field has its own `default`
        help_text="What an omitted answer means; empty: none."
    )
    required = serializers.BooleanField(  # type: ignore[assignment]  # DRF has its own
        source="is_required"
    )
    options = QuestionOptionSerializer(many=True)


class NeededPermissionsSerializer(serializers.Serializer):
    connector = serializers.CharField()
    permissions = serializers.ListField(child=serializers.CharField())


class RecipeSerializer(serializers.Serializer):
    """A ready-made integration that can be switched on."""

    key = serializers.CharField()
    version = serializers.IntegerField()
    title = serializers.CharField()
    summary = serializers.CharField()
    connectors = serializers.ListField(
        child=serializers.CharField(), help_text="The systems that must be connected first."
    )
    permissions = serializers.SerializerMethodField(help_text="What it needs at each system.")
    questions = QuestionSerializer(many=True)

    @extend_schema_field(NeededPermissionsSerializer(many=True))
    def get_permissions(self, recipe: Recipe) -> list[dict[str, Any]]:
        return [
            {"connector": connector, "permissions": list(keys)}
            for connector, keys in recipe.permissions.items()
        ]


class AnswersSerializer(StrictSerializer):
    answers = ObjectField(
        required=False,
        help_text="By the key of each question; that of an account is its connector's.",
    )


class ChangeAnswersSerializer(StrictSerializer):
    answers = ObjectField(help_text="The changed ones, by the key of each question.")


class RehearseSerializer(AnswersSerializer):
    tenant = TextField(max_length=100, required=False, help_text="Required with a platform key.")


class CreateIntegrationSerializer(RehearseSerializer):
    recipe = serializers.ChoiceField(RECIPE_CHOICES)


class PartRehearsalSerializer(serializers.Serializer):
    key = serializers.CharField(source="part.key")
    kind = serializers.CharField(source="part.kind", help_text="route or job.")
    name = serializers.CharField(source="part.name")
    event = serializers.UUIDField(
        source="event.public_id",
        default=None,
        allow_null=True,
        help_text="The real event that was tried; null: the recipe's sample, or a job.",
    )
    result = serializers.SerializerMethodField(help_text="null: a job that sends no message.")
    slots = serializers.ListField(
        child=serializers.DateTimeField(), help_text="The next times of a job."
    )
    overlaps = serializers.UUIDField(
        source="overlap.public_id",
        default=None,
        allow_null=True,
        help_text="A route or job that does the same already, so that it would happen twice.",
    )

    @extend_schema_field(DryRunSerializer(allow_null=True))
    def get_result(self, rehearsal: PartRehearsal) -> Any:
        if rehearsal.dry_run is None:
            return None
        connector = str(rehearsal.part.document["connector"])
        return serialize_dry_run(rehearsal.dry_run, connector)


class RehearsalSerializer(serializers.Serializer):
    """What an integration would do; nothing is stored or sent."""

    succeeds = serializers.BooleanField(help_text="Everything that was tried would be sent.")
    answers = serializers.DictField(source="answers.values")
    parts = PartRehearsalSerializer(many=True)


class IntegrationPartSerializer(serializers.Serializer):
    key = serializers.CharField()
    kind = serializers.SerializerMethodField(help_text="route or job.")
    id = serializers.SerializerMethodField(help_text="Of the route or job.")
    url = serializers.SerializerMethodField()
    name = serializers.SerializerMethodField()

    def get_kind(self, part: IntegrationPart) -> str:
        return "route" if part.route is not None else "job"

    @extend_schema_field(serializers.UUIDField())
    def get_id(self, part: IntegrationPart) -> str:
        return str(part.row.public_id)

    @extend_schema_field(serializers.URLField())
    def get_url(self, part: IntegrationPart) -> str:
        return object_url(self.get_kind(part), part.row)

    def get_name(self, part: IntegrationPart) -> str:
        return part.row.name


class IntegrationSerializer(serializers.Serializer):
    """A recipe that is switched on for a tenant."""

    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()
    recipe = serializers.CharField(source="recipe_key")
    recipe_version = serializers.IntegerField()
    newer_version = serializers.SerializerMethodField(
        help_text="Of the recipe, which can be applied; null: it has the newest."
    )
    title = serializers.CharField()
    tenant = serializers.CharField(source="tenant.reference")
    state = serializers.ChoiceField([("on", "on"), ("paused", "paused")])
    answers = serializers.DictField()
    parts = serializers.SerializerMethodField(help_text="The routes and jobs that it made.")
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()

    @extend_schema_field(serializers.URLField())
    def get_url(self, integration: Integration) -> str:
        return object_url("integration", integration)

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_newer_version(self, integration: Integration) -> int | None:
        recipe = integration.recipe
        return recipe.version if recipe and integration.has_newer_recipe else None

    @extend_schema_field(IntegrationPartSerializer(many=True))
    def get_parts(self, integration: Integration) -> Sequence[Mapping[str, Any]]:
        parts = [part for part in integration.parts.all() if part.retired_at is None]
        return list(
            IntegrationPartSerializer(sorted(parts, key=lambda part: part.pk), many=True).data
        )


class IntegrationActivitySerializer(serializers.Serializer):
    """What an integration did within the last seven days."""

    since = serializers.DateTimeField()
    delivered = serializers.IntegerField()
    waiting = serializers.IntegerField()
    held = serializers.IntegerField()
    failed = serializers.IntegerField()
    finished_runs = serializers.IntegerField()
    failed_runs = serializers.IntegerField()
    open_runs = serializers.IntegerField()
    last_at = serializers.DateTimeField(allow_null=True)
    partial = serializers.BooleanField(
        source="is_partial", help_text="true: only the tenant's newest deliveries were counted."
    )  # type: ignore[assignment]  # a serializer has its own `partial`


class ChangedValueSerializer(serializers.Serializer):
    path = serializers.CharField()
    before = serializers.JSONField(help_text="null: none.")
    after = serializers.JSONField(help_text="null: none.")


class PartDifferenceSerializer(serializers.Serializer):
    key = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(
        [(kind, kind) for kind in ("added", "changed", "removed", "replaced")]
    )
    changes = ChangedValueSerializer(many=True)
    kept = serializers.ListField(
        source="kept_paths",
        child=serializers.CharField(),
        help_text="What a person changed, and stays as it is.",
    )


class UpgradeSerializer(serializers.Serializer):
    """The differences to the newest version of the recipe."""

    from_version = serializers.IntegerField()
    to_version = serializers.IntegerField()
    questions = QuestionSerializer(many=True, help_text="To be answered first, or again.")
    problems = serializers.DictField(
        child=serializers.CharField(), help_text="By the key of a question: why it is asked."
    )
    differences = PartDifferenceSerializer(many=True)
