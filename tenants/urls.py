"""URLs of the REST API of tenants, below /api/v1/."""

from django.urls import path

from tenants.api.membership_views import (
    INVITATION_ACTION_URLS,
    InvitationsView,
    InvitationView,
    MembersView,
    MemberView,
)
from tenants.api.portal_link_views import PortalLinksView, PortalLinkView
from tenants.api.tenant_views import MeView, TenantView

urlpatterns = [
    path("me", MeView.as_view(), name="me"),
    path("tenants/<str:reference>", TenantView.as_view(), name="tenant"),
    path("members", MembersView.as_view(), name="members"),
    path("members/<uuid:id>", MemberView.as_view(), name="member"),
    path("invitations", InvitationsView.as_view(), name="invitations"),
    path("invitations/<uuid:id>", InvitationView.as_view(), name="invitation"),
    *INVITATION_ACTION_URLS,
    path("portal-links", PortalLinksView.as_view(), name="portal_links"),
    path("portal-links/<uuid:id>", PortalLinkView.as_view(), name="portal_link"),
]
