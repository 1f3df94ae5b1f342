"""Addresses of connecting: where it begins, where another system sends people back to, and what they confirm."""

from django.urls import path

from hub.connections.views import authorize, fill_in, link, links

HERE = "t/<str:tenant>/"

app_name = "connections"
urlpatterns = [
    path(f"{HERE}connect/<slug:connector>/authorize", authorize.authorize, name="authorize"),
    path(f"{HERE}connect/waiting/<uuid:id>/forget", authorize.forget, name="forget"),
    path("connect/<slug:connector>/callback", authorize.callback, name="callback"),
    path("connect/<slug:connector>/refused/<slug:code>/", authorize.refused, name="refused"),
    path("connect/confirm/<uuid:id>/", authorize.confirmation, name="confirm"),
    path("connect/link/", link.here, name="link_here"),
    path("connect/link/start", link.start, name="link_start"),
    path("connect/link/fill-in/", fill_in.fill_in, name="link_fill_in"),
    path("connect/link/done/", link.done, name="link_done"),
    path("connect/link/<str:token>/", link.link, name="link"),
    path(f"{HERE}links/", links.links, name="links"),
    path(f"{HERE}links/<uuid:id>/revoke", links.revoke, name="link_revoke"),
]
