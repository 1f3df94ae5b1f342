"""Rotate the signing secret of a webhook endpoint, and end the overlap with the old one."""

import secrets
from typing import ClassVar
from uuid import UUID

from django.views.decorators.debug import sensitive_variables
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.audit import ActorContext
from hub.connections.actions import signing_secret_actions
from hub.connections.actions.signing_secret_actions import SigningSecretRefused
from hub.connections.api import openapi_examples
from hub.connections.api.action_views import run_action
from hub.connections.api.queries import find_visible_connection
from hub.connections.api.serializers import ConnectionSerializer, RotatedSecretSerializer
from hub.crypto.sealed import CannotOpen
from hub.db.clock import clock
from hub.problems import Problem

UNREADABLE_SECRET = (
    "The stored secrets cannot be decrypted. Send a new signing_secret with PATCH on this "
    "connection."
)


class RotateSecretView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": openapi_examples.WRITE}

    @openapi_examples.describe_operation(
        "connections_rotate_signing_secret",
        "Rotate the signing secret of an endpoint",
        {200: RotatedSecretSerializer},
        problems=openapi_examples.CHANGE_PROBLEMS,
        request=None,
        examples={"rotated": openapi_examples.ROTATED_SECRET},
    )
    @sensitive_variables()
    def post(self, request: Request, id: UUID) -> Response:
        """Rotate the signing secret: the old one signs for another 24 hours beside the new one.

        Only this response contains the new secret. Only webhook endpoints have a signing secret.
        """
        try:
            secret, overlap_until = run_action(
                signing_secret_actions.change_signing_secret,
                find_visible_connection(request, id),
                ActorContext.of_request(request),
                random=secrets.token_bytes,
                now=clock(),
            )
        except SigningSecretRefused as refused:
            raise Problem("wrong-state", str(refused)) from None
        except CannotOpen:
            raise Problem("wrong-state", UNREADABLE_SECRET) from None
        body = {
            "signing_secret": secret,
            "overlap_until": overlap_until,
            "connection": find_visible_connection(request, id),
        }
        return Response(RotatedSecretSerializer(body).data)


class EndOverlapView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": openapi_examples.WRITE}

    @openapi_examples.describe_operation(
        "connections_end_signing_overlap",
        "End the overlap of signing secrets",
        {200: ConnectionSerializer},
        problems=openapi_examples.CHANGE_PROBLEMS,
        request=None,
        examples={"ended": openapi_examples.CONNECTION | {"connector": "webhook"}},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """End the overlap: only the newest secret signs. Use it after an old secret leaked."""
        try:
            run_action(
                signing_secret_actions.end_signing_overlap,
                find_visible_connection(request, id),
                ActorContext.of_request(request),
                now=clock(),
            )
        except CannotOpen:
            raise Problem("wrong-state", UNREADABLE_SECRET) from None
        return Response(ConnectionSerializer(find_visible_connection(request, id)).data)
