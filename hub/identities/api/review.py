"""Suggestions and their review by REST."""

from dataclasses import asdict
from typing import Any, ClassVar
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from connectors.directories import USER
from hub.audit import ActorContext
from hub.connections.api.queries import find_visible_connection
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.identities.api.directories import READ, WRITE
from hub.identities.models import ID_LENGTH, SuggestionRun
from hub.identities.review.decisions import DECISIONS, DECISIONS_MAX
from hub.identities.suggest import count_suggestions
from hub.identities.suggestion_runs import find_suggestion_run, request_suggestions
from hub.problems import StrictSerializer
from hub.rest import openapi
from hub.rest.fields import TextField

REVIEW_INPUT = {
    "action": "confirm",
    "items": [{"local_id": "u-17"}, {"local_id": "u-18", "remote_id": "U0123456789"}],
}


class SuggestionsSerializer(serializers.Serializer):
    """The state of the last request for suggestions, how many of our people are in each state, and
    how many pairs have a conflict.
    """

    state = serializers.ChoiceField(
        [*SuggestionRun.State.choices, ("never", "Never")],
        help_text="waiting and running: ask again in a few seconds; failed: ask for suggestions "
        "again; never: they were not asked for by themselves.",
    )
    requested_at = serializers.DateTimeField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    confirmed = serializers.IntegerField()
    suggested = serializers.IntegerField()
    ambiguous = serializers.IntegerField()
    unmatched = serializers.IntegerField()
    ignored = serializers.IntegerField()
    conflicts = serializers.IntegerField()


class ReviewItemSerializer(StrictSerializer):
    local_id = TextField(max_length=ID_LENGTH, help_text="The id of our record.")
    remote_id = serializers.CharField(
        max_length=ID_LENGTH,
        required=False,
        default="",
        allow_blank=True,
        help_text="Of *confirm*: the chosen record of the other system. Omitted: the suggested "
        "one.",
    )


class ReviewSerializer(StrictSerializer):
    action = serializers.ChoiceField(
        list(DECISIONS),
        help_text="confirm: the pair is right; ignore: there is no counterpart; reopen: an ignored "
        "one is looked for again; keep: a confirmed pair is right in spite of its conflict.",
    )
    kind = serializers.CharField(max_length=60, default=USER, help_text="Omitted: user.")
    items: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=ReviewItemSerializer(), max_length=DECISIONS_MAX, allow_empty=False
    )

    def validate_items(self, items: list[dict[str, str]]) -> list[dict[str, str]]:
        if len({item["local_id"] for item in items}) < len(items):
            raise serializers.ValidationError("A record is named twice.")
        return items


class ReviewErrorSerializer(serializers.Serializer):
    local_id = serializers.CharField()
    detail = serializers.CharField()


class ReviewResultSerializer(serializers.Serializer):
    """The results by item."""

    changed = serializers.ListField(child=serializers.CharField())
    errors = ReviewErrorSerializer(many=True)  # type: ignore[assignment]  # DRF has its own


class SuggestView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @openapi.describe_operation(
        "identities_suggestions_retrieve",
        "Read the progress of suggestions",
        {200: SuggestionsSerializer},
        problems=["not-found"],
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return the state of the last request for suggestions, and the current counts."""
        connection = find_visible_connection(request, id)
        return Response(_describe_suggestions(connection, find_suggestion_run(connection)))

    @openapi.describe_operation(
        "identities_suggest",
        "Suggest identities of people",
        {202: SuggestionsSerializer},
        problems=["not-found"],
        request=None,
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Match our users with those of the connection's system, in the background, and store the
        suggestions for a decision by a person. `GET` has the progress; while a request is in
        progress, it is returned instead of a new one.

        Existing decisions are not changed, and nothing is confirmed.
        """
        connection = find_visible_connection(request, id)
        run = request_suggestions(connection, ActorContext.of_request(request), now=clock())
        return Response(_describe_suggestions(connection, run), status=202)


def _describe_suggestions(connection: Connection, run: SuggestionRun | None) -> dict[str, Any]:
    times = ("requested_at", "started_at", "finished_at")
    shown = {name: getattr(run, name, None) for name in times}
    shown["state"] = run.state if run else "never"
    described: dict[str, Any] = SuggestionsSerializer(
        shown | asdict(count_suggestions(connection))
    ).data
    return described


class ReviewView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @openapi.describe_operation(
        "identities_review",
        "Decide on suggested identities",
        {200: ReviewResultSerializer},
        problems=["not-found"],
        request=ReviewSerializer,
        requests=[openapi.request_example("confirm two", REVIEW_INPUT)],
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Confirm, ignore, reopen or keep up to 200 identities at a time.

        Deliveries held for a confirmed identity are released. An item that fails has an error, and
        does not stop the others.
        """
        connection = find_visible_connection(request, id)
        serializer = ReviewSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        actor = ActorContext.of_request(request)
        choices = {item["local_id"]: item["remote_id"] for item in data["items"]}
        decide = DECISIONS[data["action"]]
        result = decide(connection, choices, actor, kind=data["kind"], now=clock())
        errors = [
            {"local_id": local_id, "detail": detail}
            for local_id, detail in sorted(result.errors.items())
        ]
        return Response({"changed": list(result.changed), "errors": errors})
