"""URLs of the pages of tenants, members, invitations and portal links."""

from django.urls import path

from tenants.pages import invitation, members, portal_link, support_visits

app_name = "people"
urlpatterns = [
    path("t/", members.list_tenants, name="tenants"),
    path("t/<str:tenant>/members/", members.show_members, name="members"),
    path("support-visit/end", support_visits.end_visit_view, name="support_end"),
    path("invitations/<str:token>/", invitation.open_invitation, name="invitation"),
    path("enter/<str:token>/", portal_link.open_portal_link, name="portal_link"),
]
