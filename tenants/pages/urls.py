"""Addresses of the pages of who."""

from django.urls import path

from tenants.pages import invitation, members, portal_link

app_name = "people"
urlpatterns = [
    path("t/", members.tenants, name="tenants"),
    path("t/<str:tenant>/members/", members.members, name="members"),
    path("t/<str:tenant>/members/<uuid:id>/role", members.role, name="role"),
    path("t/<str:tenant>/members/<uuid:id>/remove/", members.remove, name="remove"),
    path("t/<str:tenant>/invitations/<uuid:id>/send-again", members.send_again, name="send_again"),
    path("t/<str:tenant>/invitations/<uuid:id>/revoke", members.revoke, name="revoke"),
    path("invitations/<str:token>/", invitation.invitation, name="invitation"),
    path("enter/<str:token>/", portal_link.portal_link, name="portal_link"),
]
