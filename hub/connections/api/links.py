"""REST: links by which somebody without an account connects one system. The verbs are those of the pages."""

import secrets
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from connectors.base import Connector
from hub.clock import clock
from hub.connections import links
from hub.connections.api import described as says
from hub.connections.api.shown_links import (
    ConnectLinkSerializer,
    MadeConnectLinkSerializer,
    WantedConnectLinkSerializer,
)
from hub.connections.login_hosts import LoginHostRefused
from hub.connections.models import Connection, ConnectLink
from hub.problems import Problem
from tenants.authentication import resolve_tenant
from tenants.models import Tenant
from tenants.people import Hand
from tenants.scoping import changeable, reach
from tenants.serializers import TenantQuery

READ, WRITE = "connect-links:read", "connect-links:write"
LISTED = 200
LINKS = says.all_of(ConnectLinkSerializer, "ConnectLinkList")


def find(request: Request, id: UUID) -> ConnectLink:
    link = links.rows().filter(changeable(ConnectLink, reach(request.user)), public_id=id).first()
    if link is None:
        raise Http404
    return link


class ConnectLinksView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @says.described(
        "connect_links_list",
        "List connect links",
        {200: LINKS},
        problems=("tenant-required", *says.READING),
        parameters=[TenantQuery],
        examples={"all": {"items": [says.CONNECT_LINK]}},
    )
    def get(self, request: Request) -> Response:
        """The newest 200, the newest first."""
        query = TenantQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        tenant = resolve_tenant(request, query.validated_data.get("tenant"))
        rows = ConnectLink.objects.of(tenant).select_related("tenant", "connection").order_by("-pk")[:LISTED]
        return Response({"items": ConnectLinkSerializer(rows, many=True, context={"now": clock()}).data})

    @says.described(
        "connect_links_make",
        "Create a connect link",
        {201: MadeConnectLinkSerializer},
        problems=(*says.STEERING, "too-many-links", "tenant-required", "tenant-not-found"),
        request=WantedConnectLinkSerializer,
        examples={"made": says.CONNECT_LINK | {"url": says.CONNECT_AT}},
        requests=[
            says.asking("Slack", {"tenant": "acme", "connector": "slack"}),
            says.asking(
                "a sandbox of Salesforce", {"tenant": "acme", "connector": "salesforce", "environment": "sandbox"}
            ),
            says.asking(
                "a login host of their own",
                {"tenant": "acme", "connector": "salesforce", "login_host": "acme.my.salesforce.com"},
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """An address to send to somebody without an account: they connect this one system for this one tenant.

        It works once, within 24 hours, in the browser where its button is pressed first; looking at it uses nothing
        up. The tenant's admins see it, and can take it back.
        """
        said = WantedConnectLinkSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        wanted, now = said.validated_data, clock()
        tenant = resolve_tenant(request, wanted.get("tenant"))
        meant = {"connection": connection_of(tenant, wanted.get("connection"))}
        meant |= {key: wanted.get(key, "") for key in ("environment", "login_host")}
        return made(request, tenant, wanted["connector"], **meant, now=now)


def made(
    request: Request,
    tenant: Tenant,
    connector: Connector,
    *,
    connection: Connection | None,
    environment: str = "",
    login_host: str = "",
    now: datetime,
) -> Response:
    """The link with its address, which is told now and never again."""
    hand = Hand.of(request, request.user.actor)
    try:
        meant = {"connection": connection, "environment": environment, "login_host": login_host}
        link, token = links.make(tenant, connector, hand, **meant, random=secrets.token_bytes, now=now)
    except LoginHostRefused as wrong:
        raise ValidationError({"login_host": str(wrong)}) from wrong
    except links.TooMany as full:
        raise Problem("too-many-links", str(full)) from full
    except links.Refused as refused:
        raise Problem("wrong-state", str(refused)) from refused
    context = {"now": now, "url": links.address_of(token)}
    return Response(MadeConnectLinkSerializer(link, context=context).data, status=201)


def connection_of(tenant: Tenant, id: Any) -> Connection | None:
    """Raises Http404 for one of another tenant's."""
    if id is None:
        return None
    connection = Connection.objects.of(tenant).filter(public_id=id).first()
    if connection is None:
        raise Http404
    return connection


class ConnectLinkView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "DELETE": WRITE}

    @says.described(
        "connect_links_read",
        "Read a connect link",
        {200: ConnectLinkSerializer},
        problems=["not-found"],
        examples={"read": says.CONNECT_LINK},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """What became of it."""
        return Response(ConnectLinkSerializer(find(request, id), context={"now": clock()}).data)

    @says.described(
        "connect_links_revoke",
        "Revoke a connect link",
        {200: ConnectLinkSerializer},
        problems=says.DECIDING,
        examples={"taken back": says.CONNECT_LINK | {"state": "revoked"}},
    )
    def delete(self, request: Request, id: UUID) -> Response:
        """It leads nowhere any more, and whoever is on the way gets no further; it stays listed."""
        link, now = find(request, id), clock()
        try:
            links.revoke(link, Hand.of(request, request.user.actor), now=now)
        except links.Ended as ended:
            raise Problem("wrong-state", "The link has ended.") from ended
        return Response(ConnectLinkSerializer(link, context={"now": now}).data)
