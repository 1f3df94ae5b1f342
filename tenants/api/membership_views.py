"""REST API of members and invitations, with the same actions as the pages."""

import secrets
from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.problems import Problem
from hub.rest.actions import ActionResource, build_action_urls
from hub.rest.openapi import (
    CHANGE_PROBLEMS,
    READ_PROBLEMS,
    describe_operation,
    request_example,
)
from tenants.access.api_authentication import resolve_tenant
from tenants.models import Invitation, Membership, Tenant
from tenants.scoping import ALL_TENANTS, accessible_tenants, changeable_condition
from tenants.serializers import (
    InvitationListSerializer,
    InvitationSerializer,
    InviteSerializer,
    MemberListSerializer,
    MemberSerializer,
    RoleSerializer,
    TenantQuery,
)
from tenants.services import membership_actions
from tenants.services.declared_actions import INVITATION_ACTIONS

READ, WRITE = "members:read", "members:write"
LIST_PROBLEMS = ("tenant-required", *READ_PROBLEMS)
INVITATION_INPUT = {"tenant": "acme", "email": "ben@acme.example", "role": "member"}


def _key_context(request: Request) -> ActorContext:
    return ActorContext.of_request(request)


def _requested_tenant(request: Request) -> Tenant:
    query = TenantQuery(data=request.query_params.dict())
    query.is_valid(raise_exception=True)
    return resolve_tenant(request, query.validated_data.get("tenant"))


def _find_changeable(request: Request, model: type[Model], id: UUID, *related: str) -> Any:
    rows: QuerySet[Any] = model._default_manager.select_related("tenant", *related)
    instance = rows.filter(
        changeable_condition(model, accessible_tenants(request.user)), public_id=id
    ).first()
    if instance is None:
        raise Http404
    return instance


def _refuse_owner(request: Request, role: str) -> None:
    """Raise Problem if a tenant's key makes an owner: only an owner, or the platform, does."""
    if role == Membership.Role.OWNER and accessible_tenants(request.user) is not ALL_TENANTS:
        raise Problem("permission-denied", "A tenant's key cannot make a person an owner.")


def _serialize_invitation(request: Request, invitation: Invitation) -> Mapping[str, Any]:
    data: Mapping[str, Any] = InvitationSerializer(invitation, context={"now": clock()}).data
    return data


class MembersView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ}

    @describe_operation(
        "members_list",
        "List members",
        {200: MemberListSerializer},
        problems=LIST_PROBLEMS,
        parameters=[TenantQuery],
    )
    def get(self, request: Request) -> Response:
        """List all members."""
        rows = (
            Membership.objects.of(_requested_tenant(request))
            .select_related("user")
            .order_by("user__email")
        )
        return Response(MemberListSerializer({"items": rows}).data)


class MemberView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @describe_operation(
        "members_retrieve",
        "Read a member",
        {200: MemberSerializer},
        problems=["not-found"],
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return the member and their role."""
        return Response(MemberSerializer(_find_changeable(request, Membership, id, "user")).data)

    @describe_operation(
        "members_partial_update",
        "Change a member's role",
        {200: MemberSerializer},
        problems=CHANGE_PROBLEMS,
        request=RoleSerializer,
        requests=[request_example("an admin", {"role": "admin"})],
    )
    def patch(self, request: Request, id: UUID) -> Response:
        """Change the role; refused when the tenant would have no owner left."""
        membership, serializer = (
            _find_changeable(request, Membership, id, "user"),
            RoleSerializer(data=request.data),
        )
        serializer.is_valid(raise_exception=True)
        _refuse_owner(request, serializer.validated_data["role"])
        membership_actions.change_member_role(
            membership,
            _key_context(request),
            role=serializer.validated_data["role"],
            now=clock(),
        )
        return Response(MemberSerializer(membership).data)

    @describe_operation("members_destroy", "Remove a member", {204: None}, problems=CHANGE_PROBLEMS)
    def delete(self, request: Request, id: UUID) -> Response:
        """Remove the member, who keeps the account; refused for the last owner."""
        membership_actions.remove_member(
            _find_changeable(request, Membership, id, "user"),
            _key_context(request),
            now=clock(),
        )
        return Response(status=204)


class InvitationsView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @describe_operation(
        "invitations_list",
        "List open invitations",
        {200: InvitationListSerializer},
        problems=LIST_PROBLEMS,
        parameters=[TenantQuery],
    )
    def get(self, request: Request) -> Response:
        """List the pending and the expired invitations, newest first."""
        rows = Invitation.objects.of(_requested_tenant(request)).select_related("tenant")
        rows = rows.filter(accepted_at=None, revoked_at=None).order_by("-asked_at")
        return Response(InvitationListSerializer({"items": rows}, context={"now": clock()}).data)

    @describe_operation(
        "invitations_create",
        "Invite a person",
        {201: InvitationSerializer},
        problems=("tenant-required", "tenant-not-found", "wrong-state"),
        request=InviteSerializer,
        requests=[request_example("a colleague", INVITATION_INPUT)],
    )
    def post(self, request: Request) -> Response:
        """Invite a person by mail. `sent_at` is when a mail server accepted the mail, `mail_reason`
        why none did.
        """
        serializer = InviteSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data, now = serializer.validated_data, clock()
        tenant = resolve_tenant(request, data.get("tenant"))
        _refuse_owner(request, data["role"])
        invitation = membership_actions.invite_member(
            tenant,
            _key_context(request),
            email=data["email"],
            role=data["role"],
            random=secrets.token_bytes,
            now=now,
        )
        return Response(_serialize_invitation(request, invitation), status=201)


class InvitationView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "DELETE": WRITE}

    @describe_operation(
        "invitations_retrieve",
        "Read an invitation",
        {200: InvitationSerializer},
        problems=["not-found"],
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Return the invitation with its state."""
        invitation = _find_changeable(request, Invitation, id)
        return Response(_serialize_invitation(request, invitation))

    @describe_operation(
        "invitations_destroy", "Revoke an invitation", {204: None}, problems=CHANGE_PROBLEMS
    )
    def delete(self, request: Request, id: UUID) -> Response:
        """Revoke the invitation; its link is no longer valid."""
        membership_actions.revoke_invitation(
            _find_changeable(request, Invitation, id),
            _key_context(request),
            now=clock(),
        )
        return Response(status=204)


def _find_invitation(request: Request, id: UUID) -> Any:
    return _find_changeable(request, Invitation, id)


INVITATION_ACTION_URLS = build_action_urls(
    ActionResource(
        rows="invitations",
        row="invitation",
        find=_find_invitation,
        find_changeable=_find_invitation,
        serializer=InvitationSerializer,
        serialize=_serialize_invitation,
    ),
    INVITATION_ACTIONS,
)
