"""REST API of integrations: switch on, list, read, change, pause, resume, upgrade and remove."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.problems import Problem
from hub.recipes.activity import WEEK, Activity, count_activity
from hub.recipes.api.recipes import READ, WRITE
from hub.recipes.api.serializers import (
    RECIPE_CHOICES,
    AnswersSerializer,
    ChangeAnswersSerializer,
    CreateIntegrationSerializer,
    IntegrationActivitySerializer,
    IntegrationSerializer,
    UpgradeSerializer,
)
from hub.recipes.definitions import RECIPES
from hub.recipes.integration_actions import (
    INTEGRATION_ACTIONS,
    IntegrationExists,
    change_answers,
    remove_integration,
    switch_on_integration,
    upgrade_integration,
)
from hub.recipes.models import Integration
from hub.recipes.upgrades import describe_upgrade
from hub.rest import openapi
from hub.rest.actions import ActionResource, build_action_urls
from hub.rest.fields import object_url
from hub.rest.pagination import PageQuery
from hub.rest.validation import validate_data
from hub.rest.views import build_detail, build_list
from tenants.access.api_authentication import in_tenant, resolve_tenant
from tenants.scoping import visible_rows

CREATE_PROBLEMS = ("tenant-required", "tenant-not-found", "wrong-state", "limit-reached")


class IntegrationsQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    recipe = serializers.ChoiceField(RECIPE_CHOICES, required=False)
    state = serializers.ChoiceField([("on", "on"), ("paused", "paused")], required=False)


def visible_integrations(request: Request) -> QuerySet[Integration]:
    """Select the integrations of the key's tenant, or of all tenants."""
    rows: QuerySet[Integration] = visible_rows(Integration, request.user).exclude(state="removed")
    return rows.select_related("tenant").prefetch_related("parts__route", "parts__job")


def find_integration(request: Request, id: UUID) -> Integration:
    return get_object_or_404(visible_integrations(request), public_id=id)


def parse_answers(
    request: Request, serializer_class: type[AnswersSerializer | ChangeAnswersSerializer]
) -> Mapping[str, Any]:
    answers: Mapping[str, Any] = validate_data(serializer_class, request.data).get("answers", {})
    return answers


def respond_with_integration(request: Request, id: UUID) -> Response:
    """Return the integration as it is stored now."""
    return Response(IntegrationSerializer(find_integration(request, id)).data)


class IntegrationsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    get = build_list(
        "integrations_list",
        "List integrations",
        "List integrations, newest first.",
        IntegrationSerializer,
        page="IntegrationPage",
        rows=in_tenant(visible_integrations),
        query=IntegrationsQuery,
        filters={"recipe": "recipe_key", "state": "state"},
    )

    @openapi.describe_operation(
        "integrations_create",
        "Switch an integration on",
        {201: IntegrationSerializer},
        problems=CREATE_PROBLEMS,
        request=CreateIntegrationSerializer,
        requests=[
            openapi.request_example(
                "orders to Slack", {"recipe": "order_to_slack", "answers": {"channel": "C0616EHMM"}}
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Switch a recipe on for a tenant. An omitted answer is the question's default; an omitted
        account is the oldest that the tenant has connected. If it is on with these answers already,
        the `Location` of the refusal is that integration.
        """
        data = validate_data(CreateIntegrationSerializer, request.data)
        tenant = resolve_tenant(request, data.get("tenant"))
        actor = ActorContext.of_request(request)
        try:
            integration = switch_on_integration(
                RECIPES[data["recipe"]], tenant, data.get("answers", {}), actor, now=clock()
            )
        except IntegrationExists as exists:
            location = {"Location": object_url("integration", exists.integration)}
            raise Problem(exists.code, str(exists), headers=location) from None
        response = respond_with_integration(request, integration.public_id)
        response.status_code, response["Location"] = 201, object_url("integration", integration)
        return response


class IntegrationView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    get = build_detail(
        "integrations_read",
        "Read an integration",
        "Return an integration with what it made.",
        IntegrationSerializer,
        find_integration,
    )

    @openapi.describe_operation(
        "integrations_change",
        "Change the answers of an integration",
        {200: IntegrationSerializer},
        problems=openapi.CHANGE_PROBLEMS,
        request=ChangeAnswersSerializer,
        requests=[
            openapi.request_example("another channel", {"answers": {"channel": "C024BE91L"}})
        ],
    )
    def patch(self, request: Request, id: UUID) -> Response:
        """Change answers, and with them what the integration made; omitted ones stay. What a
        person changed in its mappings is kept.
        """
        integration, answers = (
            find_integration(request, id),
            parse_answers(request, ChangeAnswersSerializer),
        )
        change_answers(integration, answers, ActorContext.of_request(request), now=clock())
        return respond_with_integration(request, id)

    @openapi.describe_operation(
        "integrations_remove",
        "Remove an integration",
        {204: None},
        problems=openapi.CHANGE_PROBLEMS,
    )
    def delete(self, request: Request, id: UUID) -> Response:
        """Remove an integration whole, with its routes, mappings and jobs. Deliveries that exist
        stay in the log, and those that wait are still sent.
        """
        integration = find_integration(request, id)
        remove_integration(integration, ActorContext.of_request(request), now=clock())
        return Response(status=204)


class UpgradeView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @openapi.describe_operation(
        "integrations_read_upgrade",
        "Read the upgrade of an integration",
        {200: UpgradeSerializer},
        problems=openapi.CHANGE_PROBLEMS,
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return what the newest version of the recipe would change. Nothing is changed."""
        upgrade = describe_upgrade(find_integration(request, id))
        if upgrade is None:
            raise Problem("wrong-state", "There is no newer version of its recipe.")
        return Response(UpgradeSerializer(upgrade).data)

    @openapi.describe_operation(
        "integrations_upgrade",
        "Upgrade an integration",
        {200: IntegrationSerializer},
        problems=openapi.CHANGE_PROBLEMS,
        request=AnswersSerializer,
        requests=[openapi.request_example("nothing is asked", {})],
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Apply the newest version of the recipe, with the answers to its new questions. What a
        person changed in its mappings is kept.
        """
        integration, answers = (
            find_integration(request, id),
            parse_answers(request, AnswersSerializer),
        )
        upgrade_integration(integration, answers, ActorContext.of_request(request), now=clock())
        return respond_with_integration(request, id)


def _count_week(request: Request, id: UUID) -> Activity:
    integration, since = find_integration(request, id), clock() - WEEK
    return count_activity(integration.tenant, [integration], since=since)[integration.pk]


class ActivityView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    get = build_detail(
        "integrations_read_activity",
        "Read the activity of an integration",
        "Return what an integration did within the last seven days.",
        IntegrationActivitySerializer,
        _count_week,
    )


INTEGRATION_ACTION_URLS = build_action_urls(
    ActionResource(
        rows="integrations",
        row="integration",
        find=find_integration,
        find_changeable=find_integration,
        serializer=IntegrationSerializer,
        serialize=lambda request, integration: IntegrationSerializer(integration).data,
    ),
    INTEGRATION_ACTIONS,
)
