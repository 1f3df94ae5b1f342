"""REST API of integrations: switch on, list, read, change, pause, resume, upgrade and remove."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
from hub.db.state_machine import InvalidTransition
from hub.problems import Problem
from hub.recipes.activity import WEEK, count_activity
from hub.recipes.api import examples
from hub.recipes.api.recipes import READ, WRITE, report_invalid_answers
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
    IntegrationExists,
    RecipeUnavailable,
    TooManyIntegrations,
    change_answers,
    pause_integration,
    remove_integration,
    resume_integration,
    switch_on_integration,
    upgrade_integration,
)
from hub.recipes.models import Integration
from hub.recipes.part_actions import PartRefused
from hub.recipes.upgrades import describe_upgrade
from hub.rest import openapi
from hub.rest.fields import object_url
from hub.rest.pagination import PageQuery, paginate_response, parse_query
from hub.rest.validation import validate_data
from tenants.access.api_authentication import filter_by_tenant, resolve_tenant
from tenants.scoping import visible_rows

CREATE_PROBLEMS = ("tenant-required", "tenant-not-found", "wrong-state", "limit-reached")
ALREADY_ON = "It is on with these answers already: %s"
NO_RECIPE = "This release has no such recipe. The integration can be paused and removed."
REMOVED_MESSAGE = "The integration is removed."


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


@contextmanager
def report_refusals() -> Iterator[None]:
    """Convert the exceptions of the service functions to problems."""
    try:
        with report_invalid_answers():
            yield
    except IntegrationExists as exists:
        raise Problem("wrong-state", ALREADY_ON % exists.integration.public_id) from exists
    except TooManyIntegrations as error:
        raise Problem("limit-reached", str(error)) from error
    except PartRefused as refused:
        raise Problem("wrong-state", str(refused)) from refused
    except RecipeUnavailable as error:
        raise Problem("wrong-state", NO_RECIPE) from error
    except InvalidTransition as error:
        raise Problem(
            "wrong-state", REMOVED_MESSAGE if error.requested_state == "removed" else ""
        ) from error


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
        with report_refusals():
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
        with report_refusals():
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
        with report_refusals():
            remove_integration(integration, ActorContext.of_request(request), now=clock())
        return Response(status=204)


class PauseView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @openapi.describe_operation(
        "integrations_pause",
        "Pause an integration",
        {200: IntegrationSerializer},
        problems=openapi.CHANGE_PROBLEMS,
        request=None,
        examples={"paused": examples.INTEGRATION | {"state": "paused"}},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Pause an integration: it takes no events and runs no jobs until it is resumed."""
        integration = find_integration(request, id)
        with report_refusals():
            pause_integration(integration, ActorContext.of_request(request), now=clock())
        return respond_with_integration(request, id)


class ResumeView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @openapi.describe_operation(
        "integrations_resume",
        "Resume an integration",
        {200: IntegrationSerializer},
        problems=openapi.CHANGE_PROBLEMS,
        request=None,
        examples={"on": examples.INTEGRATION},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Let a paused integration work from now on."""
        integration = find_integration(request, id)
        with report_refusals():
            resume_integration(integration, ActorContext.of_request(request), now=clock())
        return respond_with_integration(request, id)


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
        with report_refusals():
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
        with report_refusals():
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
