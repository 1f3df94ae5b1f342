"""REST of connect links: a person without an account connects one system."""

import secrets
from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.audit import ActorContext
from hub.connections.api import openapi_examples
from hub.connections.api.link_serializers import (
    ConnectLinkSerializer,
    MadeConnectLinkSerializer,
    WantedConnectLinkSerializer,
)
from hub.connections.connecting import connect_links
from hub.connections.models import Connection, ConnectLink
from hub.db.clock import clock
from hub.rest import openapi
from tenants.access.api_authentication import resolve_tenant
from tenants.models import Tenant
from tenants.scoping import accessible_tenants, changeable_condition
from tenants.serializers import TenantQuery

READ, WRITE = "connect-links:read", "connect-links:write"
LINKS_LISTED = 200
LINK_LIST = openapi.list_schema(ConnectLinkSerializer, "ConnectLinkList")


def _find_connect_link(request: Request, id: UUID) -> ConnectLink:
    link = (
        connect_links.query_connect_links()
        .filter(changeable_condition(ConnectLink, accessible_tenants(request.user)), public_id=id)
        .first()
    )
    if link is None:
        raise Http404
    return link


class ConnectLinksView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @openapi.describe_operation(
        "connect_links_list",
        "List connect links",
        {200: LINK_LIST},
        problems=("tenant-required", *openapi.READ_PROBLEMS),
        parameters=[TenantQuery],
    )
    def get(self, request: Request) -> Response:
        """List the newest 200 connect links, the newest first."""
        query = TenantQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        tenant = resolve_tenant(request, query.validated_data.get("tenant"))
        rows = (
            ConnectLink.objects.of(tenant)
            .select_related("tenant", "connection")
            .order_by("-pk")[:LINKS_LISTED]
        )
        return Response(
            {"items": ConnectLinkSerializer(rows, many=True, context={"now": clock()}).data}
        )

    @openapi.describe_operation(
        "connect_links_make",
        "Create a connect link",
        {201: MadeConnectLinkSerializer},
        problems=(
            *openapi_examples.ACTION_PROBLEMS,
            "too-many-links",
            "tenant-required",
            "tenant-not-found",
        ),
        request=WantedConnectLinkSerializer,
        requests=[
            openapi.request_example("Slack", {"tenant": "acme", "connector": "slack"}),
            openapi.request_example(
                "a sandbox of Salesforce",
                {"tenant": "acme", "connector": "salesforce", "environment": "sandbox"},
            ),
            openapi.request_example(
                "a login host of their own",
                {
                    "tenant": "acme",
                    "connector": "salesforce",
                    "login_host": "acme.my.salesforce.com",
                },
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Create a connect link: a person without an account connects this system for this tenant.

        It works once, within 24 hours, in the browser where its button is pressed first; opening
        the address alone does not use it up. The tenant's admins see the link, and can revoke it.
        """
        serializer = WantedConnectLinkSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data, now = serializer.validated_data, clock()
        tenant = resolve_tenant(request, data.get("tenant"))
        link, token = connect_links.create_connect_link(
            tenant,
            data["connector"],
            ActorContext.of_request(request),
            connection=_find_tenant_connection(tenant, data.get("connection")),
            environment=data.get("environment", ""),
            login_host=data.get("login_host", ""),
            random=secrets.token_bytes,
            now=now,
        )
        context = {"now": now, "url": connect_links.build_connect_link_url(token)}
        return Response(MadeConnectLinkSerializer(link, context=context).data, status=201)


def _find_tenant_connection(tenant: Tenant, id: Any) -> Connection | None:
    """Return the connection. Raises Http404 if it is another tenant's."""
    if id is None:
        return None
    connection: Connection | None = Connection.objects.of(tenant).filter(public_id=id).first()
    if connection is None:
        raise Http404
    return connection


class ConnectLinkView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "DELETE": WRITE}

    @openapi.describe_operation(
        "connect_links_read",
        "Read a connect link",
        {200: ConnectLinkSerializer},
        problems=["not-found"],
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Read the link's state, and the connection that was made with it."""
        return Response(
            ConnectLinkSerializer(_find_connect_link(request, id), context={"now": clock()}).data
        )

    @openapi.describe_operation(
        "connect_links_revoke",
        "Revoke a connect link",
        {200: ConnectLinkSerializer},
        problems=openapi.CHANGE_PROBLEMS,
    )
    def delete(self, request: Request, id: UUID) -> Response:
        """Revoke the link, even if a person has opened it; it stays in the list."""
        link, now = _find_connect_link(request, id), clock()
        connect_links.revoke_connect_link(link, ActorContext.of_request(request), now=now)
        return Response(ConnectLinkSerializer(link, context={"now": now}).data)
