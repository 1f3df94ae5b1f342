"""REST API of portal links: our application gives its users access to a tenant's pages."""

import secrets
from typing import ClassVar
from uuid import UUID

from django.http import Http404
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub import mail
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.rest.openapi import (
    CHANGE_PROBLEMS,
    READ_PROBLEMS,
    describe_operation,
    list_schema,
    request_example,
)
from tenants.access.api_authentication import resolve_tenant
from tenants.models import PortalLink
from tenants.scoping import accessible_tenants, changeable_condition
from tenants.serializers import (
    MadePortalLinkSerializer,
    PortalLinkSerializer,
    TenantQuery,
    WantedPortalLinkSerializer,
)
from tenants.services import portal_link_actions

READ, WRITE = "portal-links:read", "portal-links:write"
LINKS_LISTED_MAX = 200
LINK_LIST = list_schema(PortalLinkSerializer, "PortalLinkList")
PROBLEMS = (
    "invalid-json",
    "validation-failed",
    "payload-too-large",
    "unsupported-media-type",
    "tenant-required",
    "tenant-not-found",
)
LINK_INPUT = {"tenant": "acme", "user": "u-4711", "name": "Ann Baker", "role": "admin"}


class PortalLinksView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @describe_operation(
        "portal_links_list",
        "List portal links",
        {200: LINK_LIST},
        problems=("tenant-required", *READ_PROBLEMS),
        parameters=[TenantQuery],
    )
    def get(self, request: Request) -> Response:
        """List the newest 200 portal links, newest first, each with its guest and state."""
        query = TenantQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        tenant = resolve_tenant(request, query.validated_data.get("tenant"))
        rows = (
            PortalLink.objects.of(tenant)
            .select_related("tenant")
            .order_by("-pk")[:LINKS_LISTED_MAX]
        )
        return Response(
            {"items": PortalLinkSerializer(rows, many=True, context={"now": clock()}).data}
        )

    @describe_operation(
        "portal_links_make",
        "Create a portal link",
        {201: MadePortalLinkSerializer},
        problems=PROBLEMS,
        request=WantedPortalLinkSerializer,
        requests=[request_example("Ann, a signed-in user of our application", LINK_INPUT)],
    )
    def post(self, request: Request) -> Response:
        """Create a link for one of your users, who is signed in with you: redirect their browser to
        it at once.

        The link works once, within five minutes. It opens the pages of this tenant alone for an
        hour, without an account here. The audit log records what the user does under your reference
        of the user.
        """
        serializer = WantedPortalLinkSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data, now = serializer.validated_data, clock()
        link, token = portal_link_actions.create_portal_link(
            resolve_tenant(request, data.get("tenant")),
            data["user"],
            data["role"],
            ActorContext.of_request(request),
            name=data.get("name", ""),
            return_url=data.get("return_url", ""),
            random=secrets.token_bytes,
            now=now,
        )
        context = {
            "now": now,
            "url": mail.build_absolute_url(reverse("people:portal_link", args=[token])),
        }
        return Response(MadePortalLinkSerializer(link, context=context).data, status=201)


class PortalLinkView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "DELETE": WRITE}

    @describe_operation(
        "portal_links_read",
        "Read a portal link",
        {200: PortalLinkSerializer},
        problems=["not-found"],
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return the portal link with its state."""
        return Response(
            PortalLinkSerializer(_find_changeable_link(request, id), context={"now": clock()}).data
        )

    @describe_operation(
        "portal_links_revoke",
        "Revoke a portal link",
        {200: PortalLinkSerializer},
        problems=CHANGE_PROBLEMS,
    )
    def delete(self, request: Request, id: UUID) -> Response:
        """Revoke the link and end its guest's visit at once; the link stays listed."""
        link, now = _find_changeable_link(request, id), clock()
        portal_link_actions.revoke_portal_link(link, ActorContext.of_request(request), now=now)
        return Response(PortalLinkSerializer(link, context={"now": now}).data)


def _find_changeable_link(request: Request, id: UUID) -> PortalLink:
    rows = PortalLink.unscoped.select_related("tenant")
    link = rows.filter(
        changeable_condition(PortalLink, accessible_tenants(request.user)), public_id=id
    ).first()
    if link is None:
        raise Http404
    return link
