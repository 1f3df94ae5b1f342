"""REST: the views of declared actions, each `POST <rows>/<id>/<action>`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import URLPattern, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from hub.actions import Action, Actions, list_offered
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.rest import openapi
from hub.rest.fields import object_url


@dataclass(frozen=True, kw_only=True)
class ActionResource:
    """The rows of declared actions: how a request finds one, and what it answers."""

    rows: str  # the part of the URL, and of the ids of operations
    row: str  # the name of the URL of one
    find: Callable[[Request, UUID], Any]  # raises Http404
    find_changeable: Callable[[Request, UUID], Any]  # raises Http404 or Problem
    serializer: type[Serializer]
    serialize: Callable[[Request, Any], Mapping[str, Any]]
    problems: Sequence[str] = openapi.CHANGE_PROBLEMS


def build_action_urls(resource: ActionResource, actions: Actions) -> list[URLPattern]:
    return [
        path(
            f"{resource.rows}/<uuid:id>/{action.name.replace('_', '-')}",
            _build_view(resource, action),
            name=f"{resource.row}_{action.name}",
        )
        for action in list_offered(actions, "rest")
    ]


def _build_view(resource: ActionResource, action: Action[Any]) -> Any:
    status = 201 if action.creates else 202 if action.is_background else 200

    @openapi.describe_operation(
        f"{resource.rows.replace('-', '_')}_{action.name}",
        action.summary,
        {status: resource.serializer},
        problems=resource.problems,
        request=None,
        description=action.question,
    )
    def post(view: APIView, request: Request, id: UUID) -> Response:
        row = resource.find_changeable(request, id)
        result = action.perform(row, ActorContext.of_request(request), now=clock())
        shown = resource.find(request, result.public_id if action.creates else id)
        headers = {"Location": object_url(resource.row, shown)} if action.creates else None
        return Response(resource.serialize(request, shown), status=status, headers=headers)

    attributes = {"required_scopes": {"POST": action.scope}, "post": post}
    view: type[APIView] = type("ActionView", (APIView,), attributes)
    return view.as_view()
