"""The integrations of a tenant as pages show them: numbers of this week, answers, accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from connectors.base import Connector
from connectors.registry import CONNECTORS
from hub.connections.models import Connection
from hub.recipes.activity import WEEK, Activity, count_activity
from hub.recipes.models import Integration
from tenants.models import Tenant

INTEGRATIONS_SHOWN = 100  # a tenant has no more


@dataclass(frozen=True, slots=True)
class RunningIntegration:
    """An integration with its deliveries and runs of this week."""

    integration: Integration
    activity: Activity
    connectors: tuple[Connector, ...]

    @property
    def badge(self) -> str:
        """Return the state that determines colour and icon of its badge."""
        return "enabled" if self.integration.state == "on" else "paused"

    @property
    def details(self) -> str:
        """Return what distinguishes it from others of the same recipe, such as the channel."""
        names = self.integration.answer_names
        return ", ".join(str(name) for name in names.values())


def list_running_integrations(tenant: Tenant, *, now: datetime) -> list[RunningIntegration]:
    """Return the tenant's integrations, newest first; four statements, one if there are none."""
    rows = Integration.objects.of(tenant).exclude(state="removed").order_by("-pk")
    return describe_integrations(tenant, list(rows[:INTEGRATIONS_SHOWN]), now=now)


def describe_integrations(
    tenant: Tenant, integrations: Sequence[Integration], *, now: datetime
) -> list[RunningIntegration]:
    """Return the tenant's integrations with their numbers of this week; three queries."""
    if not integrations:
        return []
    activities = count_activity(tenant, integrations, since=now - WEEK)
    return [
        RunningIntegration(
            integration,
            activities[integration.pk],
            tuple(CONNECTORS[key] for key in _list_systems(integration)),
        )
        for integration in integrations
    ]


def _list_systems(integration: Integration) -> Sequence[str]:
    return integration.recipe.tenant_connectors if integration.recipe else ()


def list_accounts(integration: Integration) -> list[Connection]:
    """Return the connections that its answers name."""
    keys = set(_list_systems(integration))
    ids = [value for key, value in integration.answers.items() if key in keys]
    accounts = Connection.objects.of(integration.tenant).filter(public_id__in=ids)
    return list(accounts.order_by("pk"))


def list_answers(integration: Integration) -> list[tuple[str, str]]:
    """Return the label of each question that was asked, with its answer as text."""
    recipe = integration.recipe
    answers = []
    for question in recipe.own_questions if recipe else ():
        answer = integration.answers.get(question.key, "")
        options = {option.value: option.label for option in question.options}
        name = integration.answer_names.get(question.key) or options.get(str(answer))
        if question.kind == "hour" and isinstance(answer, int):
            name = format_hour(answer)
        answers.append((question.label, str(name or answer or _("not set"))))
    return answers


def format_hour(hour: int) -> str:
    return f"{hour:02}:00"
