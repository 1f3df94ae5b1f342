"""REST: who belongs to a tenant, and who is invited. The verbs are those of the pages."""

import secrets
from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.clock import clock
from hub.problems import Problem
from hub.rest.describe import ANY_ID, DECIDING, MOMENT, READING, asking, described
from tenants import people
from tenants.authentication import resolve_tenant
from tenants.models import Invitation, Membership, Tenant
from tenants.people import Hand
from tenants.scoping import changeable, reach
from tenants.serializers import (
    InvitationListSerializer,
    InvitationSerializer,
    InviteSerializer,
    MemberListSerializer,
    MemberSerializer,
    RoleSerializer,
    TenantQuery,
)

READ, WRITE = "members:read", "members:write"
LISTING = ("tenant-required", *READING)
MEMBER = {"id": ANY_ID, "email": "ann@acme.example", "name": "Ann Baker", "role": "admin", "since": MOMENT}
INVITATION = {
    "id": ANY_ID,
    "tenant": "acme",
    "email": "ben@acme.example",
    "role": "member",
    "state": "pending",
    "asked_at": MOMENT,
    "sent_at": None,
    "mail_reason": "",
    "expires_at": "2026-12-02T12:00:00Z",
}
INVITING = {"tenant": "acme", "email": "ben@acme.example", "role": "member"}


def hand_of(request: Request) -> Hand:
    return Hand.of(request, request.user.actor)


def tenant_of(request: Request) -> Tenant:
    query = TenantQuery(data=request.query_params.dict())
    query.is_valid(raise_exception=True)
    return resolve_tenant(request, query.validated_data.get("tenant"))


def find(request: Request, model: type[Model], id: UUID, *near: str) -> Any:
    rows: QuerySet[Any] = model._default_manager.select_related("tenant", *near)
    row = rows.filter(changeable(model, reach(request.user)), public_id=id).first()
    if row is None:
        raise Http404
    return row


def try_to(verb: Callable[..., Any], *args: Any, **said: Any) -> Any:
    try:
        return verb(*args, **said)
    except people.Refused as refused:
        raise Problem("wrong-state", str(refused)) from refused


def told(invitation: Invitation, status: int = 200) -> Response:
    return Response(InvitationSerializer(invitation, context={"now": clock()}).data, status=status)


class MembersView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @described(
        "members_list",
        "List members",
        {200: MemberListSerializer},
        problems=LISTING,
        parameters=[TenantQuery],
        examples={"all": {"items": [MEMBER]}},
    )
    def get(self, request: Request) -> Response:
        """All of them."""
        rows = Membership.objects.of(tenant_of(request)).select_related("user").order_by("user__email")
        return Response(MemberListSerializer({"items": rows}).data)


class MemberView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @described(
        "members_retrieve",
        "Read a member",
        {200: MemberSerializer},
        problems=["not-found"],
        examples={"read": MEMBER},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Who it is, and what they may do."""
        return Response(MemberSerializer(find(request, Membership, id, "user")).data)

    @described(
        "members_partial_update",
        "Change a member's role",
        {200: MemberSerializer},
        problems=DECIDING,
        request=RoleSerializer,
        examples={"changed": MEMBER},
        requests=[asking("an admin", {"role": "admin"})],
    )
    def patch(self, request: Request, id: UUID) -> Response:
        """Another role; refused where the tenant would have no owner left."""
        membership, said = find(request, Membership, id, "user"), RoleSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        try_to(people.change_role, membership, said.validated_data["role"], hand_of(request), now=clock())
        return Response(MemberSerializer(membership).data)

    @described("members_destroy", "Remove a member", {204: None}, problems=DECIDING)
    def delete(self, request: Request, id: UUID) -> Response:
        """The person stays, and sees nothing of this tenant any more; refused for the last owner."""
        try_to(people.remove, find(request, Membership, id, "user"), hand_of(request), now=clock())
        return Response(status=204)


class InvitationsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @described(
        "invitations_list",
        "List open invitations",
        {200: InvitationListSerializer},
        problems=LISTING,
        parameters=[TenantQuery],
        examples={"all": {"items": [INVITATION]}},
    )
    def get(self, request: Request) -> Response:
        """Those that wait for an answer, and those whose time is over; the newest first."""
        rows = Invitation.objects.of(tenant_of(request)).select_related("tenant")
        rows = rows.filter(accepted_at=None, revoked_at=None).order_by("-asked_at")
        return Response(InvitationListSerializer({"items": rows}, context={"now": clock()}).data)

    @described(
        "invitations_create",
        "Invite a person",
        {201: InvitationSerializer},
        problems=("tenant-required", "tenant-not-found", "wrong-state"),
        request=InviteSerializer,
        examples={"invited": INVITATION},
        requests=[asking("a colleague", INVITING)],
    )
    def post(self, request: Request) -> Response:
        """A mail with a link is on its way: `sent_at` tells when a mail server took it, `mail_reason` why none did."""
        said = InviteSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        wanted, now = said.validated_data, clock()
        tenant = resolve_tenant(request, wanted.get("tenant"))
        asked = (tenant, wanted["email"], wanted["role"], hand_of(request))
        return told(try_to(people.invite, *asked, random=secrets.token_bytes, now=now), 201)


class InvitationView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "DELETE": WRITE}

    @described(
        "invitations_retrieve",
        "Read an invitation",
        {200: InvitationSerializer},
        problems=["not-found"],
        examples={"read": INVITATION},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """What became of it."""
        return told(find(request, Invitation, id))

    @described("invitations_destroy", "Revoke an invitation", {204: None}, problems=DECIDING)
    def delete(self, request: Request, id: UUID) -> Response:
        """Its link leads nowhere any more."""
        try_to(people.revoke, find(request, Invitation, id), hand_of(request), now=clock())
        return Response(status=204)


class SendAgainView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": WRITE}

    @described(
        "invitations_send_again_create",
        "Send an invitation again",
        {200: InvitationSerializer},
        problems=DECIDING,
        request=None,
        examples={"sent again": INVITATION},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Another mail with another link, for seven days from now; the link before it ends."""
        invitation = find(request, Invitation, id)
        try_to(people.invite_again, invitation, hand_of(request), random=secrets.token_bytes, now=clock())
        return told(invitation)
