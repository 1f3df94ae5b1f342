"""REST: our own application sends its people to a tenant's pages."""

import secrets
from typing import ClassVar

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub import mail
from hub.clock import clock
from hub.rest.describe import ANY_ID, HUB, MOMENT, asking, described
from tenants import portal_links
from tenants.authentication import resolve_tenant
from tenants.people import Hand
from tenants.serializers import PortalLinkSerializer, WantedPortalLinkSerializer

PROBLEMS = (
    "invalid-json",
    "validation-failed",
    "payload-too-large",
    "unsupported-media-type",
    "tenant-required",
    "tenant-not-found",
)
WANTED = {"tenant": "acme", "user": "u-4711", "name": "Ann Baker", "role": "admin"}
MADE = {
    "id": ANY_ID,
    "tenant": "acme",
    "user": "u-4711",
    "role": "admin",
    "url": f"{HUB}/enter/3vQeUZ4rT0sPz7Lk2mXbN9cWdYfHgJ5aE8iR1oKtVuS/",
    "expires_at": MOMENT,
}


class PortalLinksView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": "portal-links:write"}

    @described(
        "portal_links_make",
        {201: PortalLinkSerializer},
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
        wanted = said.validated_data
        link, token = portal_links.make(
            resolve_tenant(request, wanted.get("tenant")),
            wanted["user"],
            wanted["role"],
            Hand.of(request, request.user.actor),
            name=wanted.get("name", ""),
            return_url=wanted.get("return_url", ""),
            random=secrets.token_bytes,
            now=clock(),
        )
        context = {"url": mail.link(reverse("people:portal_link", args=[token]))}
        return Response(PortalLinkSerializer(link, context=context).data, status=201)
