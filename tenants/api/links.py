"""REST: our own application sends its people to a tenant's pages, and calls them back."""

import secrets
from typing import ClassVar
from uuid import UUID

from django.http import Http404
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub import mail
from hub.clock import clock
from hub.problems import Problem
from hub.rest.describe import ANY_ID, DECIDING, HUB, MOMENT, READING, all_of, asking, described
from tenants import portal_links
from tenants.authentication import resolve_tenant
from tenants.models import PortalLink
from tenants.people import Hand
from tenants.scoping import changeable, reach
from tenants.serializers import (
    MadePortalLinkSerializer,
    PortalLinkSerializer,
    TenantQuery,
    WantedPortalLinkSerializer,
)

READ, WRITE = "portal-links:read", "portal-links:write"
LISTED = 200
LINKS = all_of(PortalLinkSerializer, "PortalLinkList")
PROBLEMS = (
    "invalid-json",
    "validation-failed",
    "payload-too-large",
    "unsupported-media-type",
    "tenant-required",
    "tenant-not-found",
)
WANTED = {"tenant": "acme", "user": "u-4711", "name": "Ann Baker", "role": "admin"}
LINK = {
    "id": ANY_ID,
    "tenant": "acme",
    "user": "u-4711",
    "name": "Ann Baker",
    "role": "admin",
    "state": "pending",
    "created_at": MOMENT,
    "expires_at": MOMENT,
    "used_at": None,
}
MADE = LINK | {"url": f"{HUB}/enter/3vQeUZ4rT0sPz7Lk2mXbN9cWdYfHgJ5aE8iR1oKtVuS/"}


class PortalLinksView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @described(
        "portal_links_list",
        "List portal links",
        {200: LINKS},
        problems=("tenant-required", *READING),
        parameters=[TenantQuery],
        examples={"all": {"items": [LINK]}},
    )
    def get(self, request: Request) -> Response:
        """The newest 200, the newest first: who was let in, and whether they are still here."""
        query = TenantQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        tenant = resolve_tenant(request, query.validated_data.get("tenant"))
        rows = PortalLink.objects.of(tenant).select_related("tenant").order_by("-pk")[:LISTED]
        return Response({"items": PortalLinkSerializer(rows, many=True, context={"now": clock()}).data})

    @described(
        "portal_links_make",
        "Create a portal link",
        {201: MadePortalLinkSerializer},
        problems=PROBLEMS,
        request=WantedPortalLinkSerializer,
        examples={"made": MADE},
        requests=[asking("Ann, who is signed in with us", WANTED)],
    )
    def post(self, request: Request) -> Response:
        """An address for one of your people, who is signed in with you: send their browser there at once.

        It works once, within five minutes, and opens the pages of this tenant alone for an hour, without an account
        here. What they do is told in the audit under your reference of them.
        """
        said = WantedPortalLinkSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        wanted, now = said.validated_data, clock()
        link, token = portal_links.make(
            resolve_tenant(request, wanted.get("tenant")),
            wanted["user"],
            wanted["role"],
            Hand.of(request, request.user.actor),
            name=wanted.get("name", ""),
            return_url=wanted.get("return_url", ""),
            random=secrets.token_bytes,
            now=now,
        )
        context = {"now": now, "url": mail.link(reverse("people:portal_link", args=[token]))}
        return Response(MadePortalLinkSerializer(link, context=context).data, status=201)


class PortalLinkView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "DELETE": WRITE}

    @described(
        "portal_links_read",
        "Read a portal link",
        {200: PortalLinkSerializer},
        problems=["not-found"],
        examples={"read": LINK},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """What became of it."""
        return Response(PortalLinkSerializer(find(request, id), context={"now": clock()}).data)

    @described(
        "portal_links_revoke",
        "Revoke a portal link",
        {200: PortalLinkSerializer},
        problems=DECIDING,
        examples={"taken back": LINK | {"state": "revoked"}},
    )
    def delete(self, request: Request, id: UUID) -> Response:
        """Nobody comes in by it any more, and whoever did is shown out at once; it stays listed."""
        link, now = find(request, id), clock()
        try:
            portal_links.revoke(link, Hand.of(request, request.user.actor), now=now)
        except portal_links.Ended as ended:
            raise Problem("wrong-state", "The link has ended, and so has the visit.") from ended
        return Response(PortalLinkSerializer(link, context={"now": now}).data)


def find(request: Request, id: UUID) -> PortalLink:
    rows = PortalLink.unscoped.select_related("tenant")
    link = rows.filter(changeable(PortalLink, reach(request.user)), public_id=id).first()
    if link is None:
        raise Http404
    return link
