"""Integrations for tests: their actor, and one that is on."""

from hub.audit import ActorContext
from hub.audit.models import AuditRow
from hub.mappings.mapping_actions import change_mapping
from hub.recipes.definitions import RECIPES
from hub.recipes.integration_actions import switch_on_integration
from hub.recipes.models import Integration
from hub.schemas.models import ChoiceList
from tests.factories import NOON

SYSTEM = ActorContext.system()
CHANNEL = {"channel": "C024BE91L"}


def create_integration(tenant, key="order_to_slack", answers=CHANNEL, *, now=NOON, **options):
    return switch_on_integration(RECIPES[key], tenant, answers, SYSTEM, now=now, **options)


def store_channels(slack, *ids, is_complete=True):
    """Store the channels of a workspace as they were read last."""
    items = [[id, f"#{id.lower()}"] for id in ids]
    stored = {"items": items, "is_complete": is_complete, "read_at": NOON}
    ChoiceList.unscoped.update_or_create(connection=slack, kind="channel", defaults=stored)


def route_of(integration):
    return integration.parts.get().route


def list_audited_verbs():
    return list(AuditRow.objects.order_by("pk").values_list("verb", flat=True))


def age_integration(integration, **mapping):
    """Let the integration be as version 0 of its recipe made it."""
    part = integration.parts.get()
    body = part.made["mapping"] | mapping
    body = {key: value for key, value in body.items() if value is not None}
    change_mapping(part.mapping, SYSTEM, body=body, now=NOON)
    part.made = part.made | {"mapping": body}
    part.save()
    Integration.unscoped.filter(pk=integration.pk).update(recipe_version=0)
    integration.refresh_from_db()
    return integration
