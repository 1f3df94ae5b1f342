"""What the API's description says of an operation: its answers, and each problem that it can end in."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers

from hub.problems import CATALOGUE, Problem
from hub.words import STATES

MEDIA_TYPE = "application/problem+json"
ALWAYS = ("authentication-required", "unknown-key", "expired-key", "scope-missing", "temporarily-unavailable")
READING = ("validation-failed", "tenant-not-found")
DECIDING = ("not-found", "wrong-state")

MOMENT = "2026-11-25T12:00:00Z"
EVENT_ID, DELIVERY_ID = "01a21100-0000-7000-8000-000000000001", "01a21100-0000-7000-8000-000000000002"
EVENT_URL, DELIVERY_URL = f"https://hub.example.com/api/v1/events/{EVENT_ID}", f"/api/v1/deliveries/{DELIVERY_ID}"


class ErrorSerializer(serializers.Serializer):
    pointer = serializers.CharField(help_text="A JSON pointer into the body, or the name of a parameter after a slash.")
    detail = serializers.CharField()
    code = serializers.CharField()


class ProblemSerializer(serializers.Serializer):
    """RFC 9457: what went wrong, by a stable `type`."""

    type = serializers.URLField(help_text="A page that explains this kind of problem.")
    code = serializers.ChoiceField(list(CATALOGUE))
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = ErrorSerializer(many=True)
    request_id = serializers.CharField()
    doc_url = serializers.URLField()
    retryable = serializers.BooleanField(help_text="The same request, unchanged, may succeed later.")


def described(
    operation: str,
    answers: Mapping[int, Any],
    *,
    problems: Iterable[str] = (),
    examples: Mapping[str, Any] | None = None,
    **more: Any,
) -> Callable[[Any], Any]:
    """`examples` are answers, by their name; those of a request come in `more` as a list."""
    (status, *_) = answers
    shown = [example(name, value, status) for name, value in (examples or {}).items()]
    return extend_schema(
        operation_id=operation,
        responses={**answers, **refusals((*ALWAYS, *problems))},
        examples=[*shown, *more.pop("requests", ())],
        **more,
    )


def example(name: str, value: Any, status: int) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


def asking(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


def refusals(codes: Iterable[str]) -> dict[tuple[int, str], OpenApiResponse]:
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in codes:
        by_status[CATALOGUE[code].status].append(code)
    return {(status, MEDIA_TYPE): refusal(among) for status, among in by_status.items()}


def refusal(codes: Iterable[str]) -> OpenApiResponse:
    return OpenApiResponse(
        ProblemSerializer,
        description=". ".join(CATALOGUE[code].title for code in codes) + ".",
        examples=[OpenApiExample(code, value=Problem(code).document(EVENT_ID)) for code in codes],
    )


def header(name: str, description: str, **options: Any) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=description, **options)


def either(name: str, *serializers: Any) -> PolymorphicProxySerializer:
    return PolymorphicProxySerializer(name, serializers, resource_type_field_name=None, many=False)


def page_of(serializer: type[serializers.Serializer], name: str) -> serializers.Serializer:
    return inline_serializer(
        name,
        {
            "items": serializer(many=True),
            "next": serializers.URLField(allow_null=True, help_text="What follows, older; also in the header Link."),
            "prev": serializers.URLField(allow_null=True, help_text="What comes before, newer."),
        },
    )


def all_of(serializer: type[serializers.Serializer], name: str) -> serializers.Serializer:
    return inline_serializer(name, {"items": serializer(many=True)})


# --- the examples ----------------------------------------------------------------------------------------------------

TOLD = {"id": "o-1001", "type": "order.created", "data": {"number": "A-1001", "total": 12.5, "currency": "EUR"}}

ACCEPTED = {
    "id": EVENT_ID,
    "sender_id": "o-1001",
    "type": "order.created",
    "tenant": "acme",
    "accepted_at": MOMENT,
    "url": EVENT_URL,
    "deliveries": [{"id": DELIVERY_ID, "connector": "slack", "connection": EVENT_ID, "state": "waiting"}],
}

DELIVERY = {
    "id": DELIVERY_ID,
    "url": f"https://hub.example.com{DELIVERY_URL}",
    "event": EVENT_ID,
    "event_type": "order.created",
    "tenant": "acme",
    "route": {"id": EVENT_ID, "name": "Orders to #sales"},
    "connector": "slack",
    "connection": {"id": EVENT_ID, "name": "Acme's workspace"},
    "state": "held",
    "reason": "needs_reconnect",
    "sentence": "The authorization has ended.",
    "action": "Reconnect the account.",
    "says": "",
    "attempt_count": 0,
    "unsure": False,
    "replay": 0,
    "due_at": MOMENT,
    "accepted_at": MOMENT,
    "moved_at": MOMENT,
}

ATTEMPT = {
    "number": 1,
    "started_at": MOMENT,
    "milliseconds": 85,
    "outcome": "reconnect",
    "reason": "token_revoked",
    "says": "",
    "reference": "",
}

EXCHANGE = {"at": MOMENT, "method": "POST", "url": "https://slack.com/api/chat.postMessage", "status": 200, "error": ""}

PLANNING = {
    "kind": "retry",
    "filter": {"state": "dead", "connector": "slack", "stopped_since": MOMENT},
    "tenant": "acme",
    "reason": "Slack is back.",
}

OPERATION = {
    "id": EVENT_ID,
    "url": f"https://hub.example.com/api/v1/operations/{EVENT_ID}",
    **PLANNING,
    "state": "planned",
    "says": "",
    "count": 120,
    "more": False,
    "done": 0,
    "left_out": 0,
    "seconds_left": None,
    "plan": {
        "oldest": MOMENT,
        "tenants": 1,
        "connections": [
            DELIVERY["connection"] | {"connector": "slack", "tenant": "acme", "held": "", "rows": 120},
        ],
        "other_connections": 0,
        "seconds": 132,
        "unsure": 2,
        "doubles": 2,
        "sample": [
            {
                "id": DELIVERY_ID,
                "event_type": "order.created",
                "tenant": "acme",
                "state": "dead",
                "reason": "exhausted",
            },
        ],
    },
    "planned_at": MOMENT,
    "started_at": None,
    "finished_at": None,
}

SWITCHING = {"scope": "tenant", "tenant": "acme", "reason": "Stocktaking.", "until": "2026-11-25T18:00:00Z"}

SWITCH = SWITCHING | {
    "id": "tenant:acme",
    "url": "https://hub.example.com/api/v1/switches/tenant:acme",
    "connector": "",
    "route": None,
    "since": MOMENT,
}

EVENT = {
    "id": EVENT_ID,
    "url": EVENT_URL,
    "sender_id": "o-1001",
    "source": "api",
    "type": "order.created",
    "tenant": "acme",
    "occurred_at": MOMENT,
    "accepted_at": MOMENT,
    "reason": "",
    "sentence": "",
}

CHECKS = [
    {"name": "accepted", "passed": True, "sentence": "Accepted on 2026-11-25 12:00:00 UTC.", "detail": "order.created"},
    {
        "name": "connection",
        "passed": False,
        "sentence": "The authorization has ended since 2026-11-25 12:00:01 UTC.",
        "detail": "Slack refuses it: token revoked.",
    },
]

EXPLANATION = {name: DELIVERY[name] for name in ("state", "reason", "sentence", "action")} | {
    "next_try": None,
    "checks": CHECKS,
}


def in_state(state: str) -> dict[str, str]:
    return {"state": state, "reason": "", "sentence": STATES[state], "action": ""}


def listed(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"items": [row], "next": None, "prev": None}
