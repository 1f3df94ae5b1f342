"""List and read connections; connect by what is filled in, and change that."""

import secrets
from collections.abc import Callable
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
from hub.clock import clock
from hub.connections import connect, steer
from hub.connections.api import described as says
from hub.connections.api import filled
from hub.connections.api.reading import find, told, visible
from hub.connections.api.shown import (
    EVERY,
    ChangeSerializer,
    ConnectedSerializer,
    ConnectionSerializer,
    ConnectSerializer,
    ReadConnectionSerializer,
)
from hub.connections.models import Connection
from hub.operations.start import Hand
from hub.problems import Problem
from hub.rest.fields import address
from hub.rest.once import Answer, answered, once
from hub.rest.pages import PageQuery, asked, page
from tenants.authentication import resolve_tenant
from tenants.models import Tenant

NARROWED_BY = {"connector": "connector_key", "state": "state"}  # of the query, by field


class ConnectionsQuery(PageQuery):
    tenant = serializers.CharField(required=False)
    connector = serializers.ChoiceField(EVERY, required=False)
    state = serializers.ChoiceField(Connection.State.choices, required=False)


class ConnectionsView(filled.CallingView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": says.READ, "POST": says.WRITE}

    @says.described(
        "connections_list",
        "List connections",
        {200: says.page_of(ConnectionSerializer, "ConnectionPage")},
        problems=says.READING,
        parameters=[ConnectionsQuery],
        examples={"a page": says.listed(says.CONNECTION)},
    )
    def get(self, request: Request) -> Response:
        """The newest first."""
        query = asked(request, ConnectionsQuery)
        rows = visible(request)
        if "tenant" in query:
            rows = rows.filter(tenant=resolve_tenant(request, query["tenant"]))
        rows = rows.filter(**{field: query[name] for name, field in NARROWED_BY.items() if name in query})
        return page(request, rows, query, ConnectionSerializer)

    @says.described(
        "connections_connect",
        "Connect a system",
        {201: ConnectedSerializer},
        problems=says.CONNECTING,
        request=ConnectSerializer,
        parameters=says.ONCE,
        examples={"connected": says.CONNECTED},
        requests=[says.asking("Splunk", says.FILLED_IN)],
    )
    @sensitive_variables()
    def post(self, request: Request) -> Response:
        """Connect a system by what is filled in: it is tested first, and kept only when the test passed."""
        read = ConnectSerializer(data=request.data)
        read.is_valid(raise_exception=True)
        said, now = read.validated_data, clock()
        tenant = resolve_tenant(request, said.get("tenant"))
        body = filled.without_secrets(request.data)
        if first := answered(request, body):
            return first
        refuse_suspended(tenant)
        establish = self.tested(request, tenant, said, now=now)
        return once(request, establish, said=body, now=now)

    @sensitive_variables()
    def tested(self, request: Request, tenant: Tenant, said: dict[str, Any], *, now: datetime) -> Callable[[], Answer]:
        """What is left to do when the test has passed."""
        code = CONNECTORS[said["connector"]]
        given = filled.new(code, said)
        row = connect.draft(tenant, code.key, said.get("name", code.label), given["settings"])
        document, made = connect.completed(code, given["document"], random=secrets.token_bytes)
        finding = filled.tested(row, document, call=self.call, now=now)

        @sensitive_variables()
        def establish() -> Answer:
            try:
                how = {"by": None, "random": secrets.SystemRandom().random, "now": now}
                steer.establish(row, document, finding, Hand.of_key(request), **how)
            except connect.AlreadyConnected as clash:
                raise Problem("already-connected", str(clash)) from None
            return answer(find(request, row.public_id), made, status=201)

        return establish


class ConnectionView(filled.CallingView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": says.READ, "PATCH": says.WRITE}

    @says.described(
        "connections_read",
        "Read a connection",
        {200: ReadConnectionSerializer},
        problems=["not-found"],
        examples={"read": says.READ_CONNECTION},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """How it stands, what it may do, what waits for it, and what it has spent. Never the credential."""
        connection = find(request, id)
        for name, value in told(connection, request, now=clock()).items():
            setattr(connection, name, value)
        return Response(ReadConnectionSerializer(connection).data)

    @says.described(
        "connections_change",
        "Change a connection",
        {200: ConnectedSerializer},
        problems=says.CHANGING,
        request=ChangeSerializer,
        examples={"changed": says.CONNECTED},
        requests=[says.asking("another token", {"secrets": says.FILLED_IN["secrets"]})],
    )
    @sensitive_variables()
    def patch(self, request: Request, id: UUID) -> Response:
        """Another name or pace, other settings or secrets. Those are tested first, and all is changed or nothing.

        What is stored is not sent to an address that changes: fill the secrets in again with it.
        """
        connection, hand, now = find(request, id), Hand.of_key(request), clock()
        read = ChangeSerializer(data=request.data)
        read.is_valid(raise_exception=True)
        said = read.validated_data
        mend, made = self.mended(connection, said, hand, now=now)
        with transaction.atomic():
            mend()
            if "name" in said:
                steer.rename(connection, said["name"], hand, now=now)
            if "in_flight" in said:
                steer.limit(connection, said["in_flight"], hand, now=now)
        return answer(find(request, id), made).response()

    @sensitive_variables()
    def mended(
        self, connection: Connection, said: dict[str, Any], hand: Hand, *, now: datetime
    ) -> tuple[Callable[[], None], str]:
        """What is left to do when the test has passed, and the signing secret that was made."""
        if not said.keys() & {"settings", "secrets"}:
            return lambda: None, ""
        if connection.connector.needs_oauth:
            words = f"A person authorizes {connection.connector.label}: give them a reconnect link."
            raise ValidationError({part: words for part in ("settings", "secrets") if part in said})
        refuse_suspended(connection.tenant)
        given = filled.changed(connection, said)
        tried = connect.draft(connection.tenant, connection.connector_key, connection.name, given["settings"])
        document, made = connect.completed(connection.connector, given["document"], random=secrets.token_bytes)
        finding = filled.tested(tried, document, call=self.call, now=now)

        @sensitive_variables()
        def mend() -> None:
            try:
                how = {"random": secrets.SystemRandom().random, "now": now}
                steer.mend(connection, given["settings"], document, finding, hand, **how)
            except connect.OtherAccount as other:
                raise Problem("other-account", str(other)) from None
            except connect.SecretChangedTooOften as refused:
                raise Problem("wrong-state", str(refused)) from None

        return mend, made


def refuse_suspended(tenant: Tenant | None) -> None:
    if tenant and tenant.suspended:
        raise Problem("tenant-suspended")


def answer(connection: Connection, made: str, status: int = 200) -> Answer:
    """A secret that was made is told now; the answer that is kept for a repetition is without it."""
    connection.signing_secret = None
    location = address("connection", connection) if status == 201 else ""
    return Answer(
        dict(ConnectedSerializer(connection).data), status, location, unkept={"signing_secret": made} if made else {}
    )
