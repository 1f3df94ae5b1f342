"""REST of connections: list, read, connect with settings and secrets, change them."""

import secrets
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.views.decorators.debug import sensitive_variables
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from connectors.registry import CONNECTORS
from hub.audit import ActorContext
from hub.connections.actions import connection_actions
from hub.connections.api import form_input, openapi_examples
from hub.connections.api.catalogue_serializers import CONNECTOR_CHOICES
from hub.connections.api.input_serializers import ChangeSerializer, ConnectSerializer
from hub.connections.api.queries import (
    collect_connection_details,
    find_visible_connection,
    query_visible_connections,
)
from hub.connections.api.serializers import (
    ConnectedSerializer,
    ConnectionSerializer,
    ReadConnectionSerializer,
)
from hub.connections.connecting.by_form import (
    draft_update,
    probe_draft,
    store_new_connection,
    store_updated_credential,
)
from hub.connections.connecting.connect import draft_connection
from hub.connections.connecting.form_results import ProbedDraft
from hub.connections.models import Connection, Credential
from hub.db.clock import clock
from hub.problems import Problem
from hub.rest import openapi
from hub.rest.actions import ProviderCallView
from hub.rest.fields import object_url
from hub.rest.idempotency import IdempotentAnswer, find_replay, run_once
from hub.rest.pagination import PageQuery
from hub.rest.views import build_detail, build_list
from tenants.access.api_authentication import in_tenant, resolve_tenant
from tenants.models import Tenant


class ConnectionsQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    connector = serializers.ChoiceField(CONNECTOR_CHOICES, required=False)
    state = serializers.ChoiceField(Connection.State.choices, required=False)


class ConnectionsView(ProviderCallView):
    required_scopes: ClassVar[dict[str, str]] = {
        "GET": openapi_examples.READ,
        "POST": openapi_examples.WRITE,
    }

    get = build_list(
        "connections_list",
        "List connections",
        "List connections, the newest first.",
        ConnectionSerializer,
        page="ConnectionPage",
        rows=in_tenant(query_visible_connections),
        query=ConnectionsQuery,
        filters={"connector": "connector_key", "state": "state"},
    )

    @openapi.describe_operation(
        "connections_connect",
        "Connect a system",
        {201: ConnectedSerializer},
        problems=openapi_examples.CONNECT_PROBLEMS,
        request=ConnectSerializer,
        parameters=openapi_examples.IDEMPOTENCY_HEADERS,
        requests=[openapi.request_example("Splunk", openapi_examples.CONNECT_BODY)],
    )
    @sensitive_variables()
    def post(self, request: Request) -> Response:
        """Connect a system with settings and secrets, which are stored only if the test passes."""
        serializer = ConnectSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data, now = serializer.validated_data, clock()
        tenant = resolve_tenant(request, data.get("tenant"))
        body = form_input.fingerprint_secrets(dict(request.data))
        if first := find_replay(request, body):
            return first
        probed = self._probe_new_connection(tenant, data, now=now)

        @sensitive_variables()
        def store_connection() -> IdempotentAnswer:
            stored = form_input.raise_if_rejected(
                store_new_connection(
                    probed,
                    ActorContext.of_request(request),
                    connected_by=None,
                    random=secrets.SystemRandom(),
                    now=now,
                )
            )
            connection = find_visible_connection(request, stored.connection.public_id)
            return _build_answer(connection, stored.signing_secret, status=201)

        return run_once(request, store_connection, body=body, now=now)

    @sensitive_variables()
    def _probe_new_connection(
        self, tenant: Tenant, data: dict[str, Any], *, now: datetime
    ) -> ProbedDraft:
        """Test the input of a new connection.

        Raises Problem if the input is invalid, the test failed or the tenant is suspended.
        """
        if tenant.suspended:
            raise Problem("tenant-suspended")
        connector = CONNECTORS[data["connector"]]
        filled_in = form_input.read_new_input(connector, data)
        draft = draft_connection(
            tenant, connector.key, data.get("name", connector.label), filled_in.settings
        )
        return form_input.raise_if_rejected(
            probe_draft(draft, filled_in, call=self.call, random=secrets.SystemRandom(), now=now)
        )


def _find_described_connection(request: Request, id: UUID) -> Connection:
    connection = find_visible_connection(request, id)
    for name, value in collect_connection_details(connection, request, now=clock()).items():
        setattr(connection, name, value)
    return connection


class ConnectionView(ProviderCallView):
    required_scopes: ClassVar[dict[str, str]] = {
        "GET": openapi_examples.READ,
        "PATCH": openapi_examples.WRITE,
    }

    get = build_detail(
        "connections_read",
        "Read a connection",
        "Read the connection's state, permissions, backlog and quotas, never its credential.",
        ReadConnectionSerializer,
        _find_described_connection,
    )

    @openapi.describe_operation(
        "connections_change",
        "Change a connection",
        {200: ConnectedSerializer},
        problems=openapi_examples.CONNECTION_CHANGE_PROBLEMS,
        request=ChangeSerializer,
        requests=[
            openapi.request_example(
                "another token", {"secrets": openapi_examples.CONNECT_BODY["secrets"]}
            ),
            openapi.request_example("another name", {"name": "Acme's workspace"}),
        ],
    )
    @sensitive_variables()
    def patch(self, request: Request, id: UUID) -> Response:
        """Change name, `in_flight`, settings or secrets: all, or none if the test fails.

        Stored secrets are not sent to a changed address: send the secrets again with it.
        """
        connection, actor, now = (
            find_visible_connection(request, id),
            ActorContext.of_request(request),
            clock(),
        )
        serializer = ChangeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        probed = self._probe_changed_input(connection, data, now=now)
        with transaction.atomic():
            if probed:
                form_input.raise_if_rejected(
                    store_updated_credential(
                        connection, probed, actor, random=secrets.SystemRandom(), now=now
                    )
                )
            if "name" in data:
                connection_actions.rename_connection(connection, data["name"], actor, now=now)
            if "in_flight" in data:
                connection_actions.limit_calls_in_flight(
                    connection, data["in_flight"], actor, now=now
                )
        signing_secret = probed.signing_secret if probed else ""
        return _build_answer(find_visible_connection(request, id), signing_secret).response()

    @sensitive_variables()
    def _probe_changed_input(
        self, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> ProbedDraft | None:
        """Test changed settings and secrets; return None if there are none.

        Raises Problem if the input is invalid or the test failed.
        """
        if not data.keys() & {"settings", "secrets"}:
            return None
        if connection.connector.needs_oauth:
            message = (
                f"{connection.connector.label} must be authorized by a person. Create a "
                "reconnect link for them."
            )
            raise ValidationError(
                {part: message for part in ("settings", "secrets") if part in data}
            )
        if connection.tenant and connection.tenant.suspended:
            raise Problem("tenant-suspended")
        filled_in = form_input.read_changed_input(connection, data)
        return form_input.raise_if_rejected(
            probe_draft(
                draft_update(connection, filled_in),
                filled_in,
                tested_version=Credential.read_version(connection),
                call=self.call,
                random=secrets.SystemRandom(),
                now=now,
            )
        )


def _build_answer(
    connection: Connection, signing_secret: str, status: int = 200
) -> IdempotentAnswer:
    """Build the response.

    A generated secret is in the first response only, not in one that is replayed.
    """
    location = object_url("connection", connection) if status == 201 else ""
    return IdempotentAnswer(
        {**ConnectionSerializer(connection).data, "signing_secret": None},
        status,
        location,
        unstored_fields={"signing_secret": signing_secret} if signing_secret else {},
    )
