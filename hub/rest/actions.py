"""REST: the views of declared actions, each `POST <rows>/<id>/<action>`."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.urls import URLPattern, path
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import OpenApiExample
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from hub import egress
from hub.actions import NO_DATA, Action, Actions, list_offered
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.rest import openapi
from hub.rest.fields import object_url
from hub.rest.validation import validate_data


class ProviderCallView(APIView):
    """A view that calls an external system before it responds."""

    call = staticmethod(egress.send_request)


@dataclass(frozen=True)
class ActionBody:
    """The body of the request for an action: the data of its form, by the same names."""

    serializer: type[Serializer]
    examples: Sequence[OpenApiExample]


@dataclass(frozen=True)
class ActionAnswer:
    """The response to an action that says more than the row does: over its result, and the row."""

    serializer: type[Serializer]
    serialize: Callable[[Any, Any], Mapping[str, Any]]
    status: int = 200
    problems: Sequence[str] = ()  # besides those of the resource


@dataclass(frozen=True, kw_only=True)
class ActionResource:
    """The rows of declared actions: how a request finds one, and what it answers."""

    rows: str  # the part of the URL, and of the ids of operations
    path: str = ""  # in place of that part and the id
    row: str  # the name of the URL of one
    find: Callable[[Request, UUID], Any]  # raises Http404
    find_changeable: Callable[[Request, UUID], Any]  # raises Http404 or Problem
    serializer: type[Serializer]
    serialize: Callable[[Request, Any], Mapping[str, Any]]
    created: str = ""  # the name of the URL of a new row, if it is of another kind
    problems: Sequence[str] = openapi.CHANGE_PROBLEMS
    bodies: Mapping[str, ActionBody] = field(default_factory=dict)  # by the names of actions
    answers: Mapping[str, ActionAnswer] = field(default_factory=dict)  # in place of the row


def build_action_urls(resource: ActionResource, actions: Actions) -> list[URLPattern]:
    return [
        path(
            f"{resource.path or f'{resource.rows}/<uuid:id>'}/{action.name.replace('_', '-')}",
            _build_view(resource, action),
            name=f"{resource.row}_{action.name}",
        )
        for action in list_offered(actions, "rest")
    ]


def _build_view(resource: ActionResource, action: Action[Any]) -> Any:
    answer = resource.answers.get(action.name)
    status = 201 if action.creates else 202 if action.is_background else 200
    status = answer.status if answer else status
    body = resource.bodies.get(action.name)

    @openapi.describe_operation(
        f"{resource.rows.replace('-', '_')}_{action.name}",
        action.summary,
        {status: answer.serializer if answer else resource.serializer},
        problems=(*resource.problems, *(answer.problems if answer else ())),
        request=body.serializer if body else None,
        requests=body.examples if body else (),
        description=action.question,
    )
    @sensitive_variables("result")
    def post(view: ProviderCallView, request: Request, id: UUID) -> Response:
        row = resource.find_changeable(request, id)
        now, actor = clock(), ActorContext.of_request(request)
        data = validate_data(body.serializer, request.data, now=now) if body else NO_DATA
        result = action.perform(
            row, actor, data, call=view.call, random=secrets.SystemRandom(), now=now
        )
        if answer:
            row = resource.find_changeable(request, id)
            return Response(answer.serialize(result, row), status=status)
        shown = resource.find(request, result.public_id if action.creates else id)
        location = object_url(resource.created or resource.row, shown)
        headers = {"Location": location} if action.creates else None
        return Response(resource.serialize(request, shown), status=status, headers=headers)

    attributes = {"required_scopes": {"POST": action.scope}, "post": post}
    view: type[ProviderCallView] = type("ActionView", (ProviderCallView,), attributes)
    return view.as_view()
