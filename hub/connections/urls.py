"""URLs of connecting: begin, callback and confirmation of an authorization; connect links."""

from django.urls import path

from hub.connections.connecting.connect_links import CONNECT_LINK_PATH
from hub.connections.views import connect_link, connect_links_list, guest_form, oauth, oauth_begin

TENANT_PREFIX = "t/<str:tenant>/"

app_name = "connections"
urlpatterns = [
    path(
        f"{TENANT_PREFIX}connect/<slug:connector>/authorize",
        oauth_begin.authorize_account,
        name="authorize",
    ),
    path(
        f"{TENANT_PREFIX}connect/waiting/<uuid:id>/forget",
        oauth_begin.cancel_pending,
        name="forget",
    ),
    path("connect/<slug:connector>/callback", oauth.handle_callback, name="callback"),
    path("connect/<slug:connector>/refused/<slug:code>/", oauth.show_refusal, name="refused"),
    path("connect/confirm/<uuid:id>/", oauth.confirm_account, name="confirm"),
    path("connect/link/", connect_link.show_link, name="link_here"),
    path("connect/link/start", connect_link.start_connecting, name="link_start"),
    path("connect/link/fill-in/", guest_form.show_guest_form, name="link_fill_in"),
    path("connect/link/done/", connect_link.show_link_done, name="link_done"),
    path(CONNECT_LINK_PATH.format(token="<str:token>"), connect_link.open_link, name="link"),
    path(f"{TENANT_PREFIX}links/", connect_links_list.manage_links, name="links"),
]
