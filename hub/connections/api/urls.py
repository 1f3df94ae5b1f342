"""URLs of connections, below /api/v1/."""

from django.urls import path

from hub.connections.api.actions import ACTION_URLS
from hub.connections.api.catalogue import ConnectorsView
from hub.connections.api.connect_links import ConnectLinksView, ConnectLinkView
from hub.connections.api.connections import ConnectionsView, ConnectionView

urlpatterns = [
    path("connectors", ConnectorsView.as_view(), name="connectors"),
    path("connections", ConnectionsView.as_view(), name="connections"),
    path("connections/<uuid:id>", ConnectionView.as_view(), name="connection"),
    *ACTION_URLS,
    path("connect-links", ConnectLinksView.as_view(), name="connect_links"),
    path("connect-links/<uuid:id>", ConnectLinkView.as_view(), name="connect_link"),
]
