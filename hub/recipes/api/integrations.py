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
from hub.recipes.activity import WEEK, count_activity
from hub.recipes.api import examples
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
from hub.rest.pagination import PageQuery, paginate_response, parse_query
from hub.rest.validation import validate_data
from tenants.access.api_authentication import filter_by_tenant, resolve_tenant
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

    @openapi.describe_operation(
        "integrations_list",
        "List integrations",
        {200: openapi.page_schema(IntegrationSerializer, "IntegrationPage")},
        problems=openapi.READ_PROBLEMS,
        parameters=[IntegrationsQuery],
        examples={"a page": openapi.list_example(examples.INTEGRATION)},
    )
    def get(self, request: Request) -> Response:
        """List integrations, newest first."""
        query = parse_query(request, IntegrationsQuery)
        integrations = filter_by_tenant(request, visible_integrations(request), query)
        if "recipe" in query:
            integrations = integrations.filter(recipe_key=query["recipe"])
        if "state" in query:
            integrations = integrations.filter(state=query["state"])
        return paginate_response(request, integrations, query, IntegrationSerializer)

    @openapi.describe_operation(
        "integrations_create",
        "Switch an integration on",
        {201: IntegrationSerializer},
        problems=CREATE_PROBLEMS,
        request=CreateIntegrationSerializer,
        requests=[openapi.request_example("orders to Slack", examples.CREATE)],
        examples={"on": examples.INTEGRATION},
    )
    def post(self, request: Request) -> Response:
        """Switch a recipe on for a tenant. An omitted answer is the question's default; an omitted
        account is the oldest that the tenant has connected.
        """
        data = validate_data(CreateIntegrationSerializer, request.data)
        tenant = resolve_tenant(request, data.get("tenant"))
        actor = ActorContext.of_request(request)
        integration = switch_on_integration(
            RECIPES[data["recipe"]], tenant, data.get("answers", {}), actor, now=clock()
        )
        response = respond_with_integration(request, integration.public_id)
        response.status_code, response["Location"] = 201, object_url("integration", integration)
        return response


class IntegrationView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @openapi.describe_operation(
        "integrations_read",
        "Read an integration",
        {200: IntegrationSerializer},
        problems=["not-found"],
        examples={"read": examples.INTEGRATION},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return an integration with what it made."""
        return respond_with_integration(request, id)

    @openapi.describe_operation(
        "integrations_change",
        "Change the answers of an integration",
        {200: IntegrationSerializer},
        problems=openapi.CHANGE_PROBLEMS,
        request=ChangeAnswersSerializer,
        requests=[openapi.request_example("another channel", {"answers": examples.RECIPE_ANSWERS})],
        examples={"changed": examples.INTEGRATION},
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
        examples={"a newer version": examples.UPGRADE},
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
        examples={"upgraded": examples.INTEGRATION},
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


class ActivityView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @openapi.describe_operation(
        "integrations_read_activity",
        "Read the activity of an integration",
        {200: IntegrationActivitySerializer},
        problems=["not-found"],
        examples={"a week": examples.ACTIVITY},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return what an integration did within the last seven days."""
        integration, since = find_integration(request, id), clock() - WEEK
        activities = count_activity(integration.tenant, [integration], since=since)
        return Response(IntegrationActivitySerializer(activities[integration.pk]).data)


INTEGRATION_ACTION_URLS = build_action_urls(
    ActionResource(
        rows="integrations",
        row="integration",
        find=find_integration,
        find_changeable=find_integration,
        serializer=IntegrationSerializer,
        serialize=lambda request, integration: IntegrationSerializer(integration).data,
        build_example=lambda state: examples.INTEGRATION | {"state": state},
    ),
    INTEGRATION_ACTIONS,
)
