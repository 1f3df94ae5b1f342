"""The views of the REST actions on a connection, built from their table."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from hub.connections.api import openapi_examples
from hub.connections.api.action_request import ActionRequest, ConnectionAction
from hub.connections.api.queries import find_visible_connection
from hub.db.clock import clock
from hub.rest import openapi
from hub.rest.actions import ProviderCallView


def build_action_view(name: str, action: ConnectionAction) -> Any:
    """Return the view of an action; `name` is the last part of its URL."""

    @openapi.describe_operation(
        f"connections_{name.replace('-', '_')}",
        action.summary,
        {action.status: action.answer},
        problems=action.problems,
        request=action.body,
        requests=action.requests,
        description=action.description,
    )
    def post(view: ProviderCallView, request: Request, id: UUID) -> Response:
        return _respond_to_action(view, request, id, action)

    attributes = {"required_scopes": {"POST": openapi_examples.WRITE}, "post": post}
    view: type[ProviderCallView] = type("ConnectionActionView", (ProviderCallView,), attributes)
    return view.as_view()


def _respond_to_action(
    view: ProviderCallView, request: Request, id: UUID, action: ConnectionAction
) -> Response:
    connection, now = find_visible_connection(request, id), clock()
    data: dict[str, Any] = {}
    if action.body:
        serializer = action.body(data=request.data, context={"now": now})
        serializer.is_valid(raise_exception=True)
        data = dict(serializer.validated_data)
    return action.perform(ActionRequest(request, connection, data, view.call, now))
