"""Actions of customers on members, invitations and connect links, shown in lists alone."""

from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.shortcuts import get_object_or_404
from django.urls import reverse

from hub.connections.connecting.connect_links import CONNECT_LINK_ACTIONS
from hub.connections.models import ConnectLink
from hub.portal.actions import ActionPages, build_action_view
from tenants.access.tenant_users import TenantUser
from tenants.models import Invitation, Membership
from tenants.scoping import tenant_condition
from tenants.services.declared_actions import (
    INVITATION_ACTIONS,
    INVITE_ACTIONS,
    MEMBER_ACTIONS,
)


def _get_row(model: type[Model], tenant_user: TenantUser, id: UUID) -> Any:
    rows = model._default_manager.filter(tenant_condition(model, tenant_user.tenant))
    return get_object_or_404(rows.select_related("tenant"), public_id=id)


def _find_list(page: str, tenant_user: TenantUser, row: Any) -> str:
    return reverse(page, args=[tenant_user.tenant.reference])


def _find_page_of_member(tenant_user: TenantUser, membership: Membership) -> str:
    """Return the page of members; a person who has left chooses another tenant."""
    if membership.pk is None and membership.user == tenant_user.user:
        return reverse("people:tenants")
    return _find_list("people:members", tenant_user, membership)


_build_owner_pages = partial(
    ActionPages,
    find_page=partial(_find_list, "people:members"),
    min_role=Membership.Role.OWNER,
)

invite_person = build_action_view(
    _build_owner_pages(actions=INVITE_ACTIONS, find=lambda tenant_user, id: tenant_user.tenant)
)
run_member_action = build_action_view(
    _build_owner_pages(
        actions=MEMBER_ACTIONS,
        find=partial(_get_row, Membership),
        find_page=_find_page_of_member,
        describe_row=lambda membership: membership.user,
    )
)
run_invitation_action = build_action_view(
    _build_owner_pages(
        actions=INVITATION_ACTIONS,
        find=partial(_get_row, Invitation),
        describe_row=lambda invitation: invitation.email,
    )
)
run_connect_link_action = build_action_view(
    ActionPages(
        actions=CONNECT_LINK_ACTIONS,
        find=partial(_get_row, ConnectLink),
        find_page=partial(_find_list, "connections:links"),
        describe_row=lambda link: link.system,
    )
)
