"""URLs of the pages of tenants, members, invitations and portal links."""

from django.urls import path

from tenants.pages import invitation, members, portal_link, support_visits

app_name = "people"
urlpatterns = [
    path("t/", members.list_tenants, name="tenants"),
    path("t/<str:tenant>/members/", members.show_members, name="members"),
    path("t/<str:tenant>/members/<uuid:id>/role", members.change_role, name="role"),
    path("t/<str:tenant>/members/<uuid:id>/remove/", members.remove_membership, name="remove"),
    path(
        "t/<str:tenant>/invitations/<uuid:id>/send-again",
        members.send_invitation_again,
        name="send_again",
    ),
    path(
        "t/<str:tenant>/invitations/<uuid:id>/revoke", members.revoke_open_invitation, name="revoke"
    ),
    path("support-visit/end", support_visits.end_visit_view, name="support_end"),
    path("invitations/<str:token>/", invitation.open_invitation, name="invitation"),
    path("enter/<str:token>/", portal_link.open_portal_link, name="portal_link"),
]
