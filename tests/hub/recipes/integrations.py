"""Integrations for tests: their actor, and one that is on."""

from hub.audit import ActorContext
from hub.audit.models import AuditRow
from hub.recipes.definitions import RECIPES
from hub.recipes.integration_actions import switch_on_integration
from tests.factories import NOON

SYSTEM = ActorContext.system()
CHANNEL = {"channel": "C024BE91L"}


def create_integration(tenant, key="order_to_slack", answers=CHANNEL, *, now=NOON, **options):
    return switch_on_integration(RECIPES[key], tenant, answers, SYSTEM, now=now, **options)


def route_of(integration):
    return integration.parts.get().route


def list_audited_verbs():
    return list(AuditRow.objects.order_by("pk").values_list("verb", flat=True))
