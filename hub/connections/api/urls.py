"""URLs of connections, below /api/v1/."""

from django.urls import path

from hub.connections.api.action_views import (
    DisableView,
    DisconnectView,
    PauseView,
    ReconnectLinkView,
    RenewView,
    ResumeView,
    TestView,
)
from hub.connections.api.catalogue import ConnectorsView
from hub.connections.api.connect_links import ConnectLinksView, ConnectLinkView
from hub.connections.api.connections import ConnectionsView, ConnectionView
from hub.connections.api.signing_secret_views import EndOverlapView, RotateSecretView

urlpatterns = [
    path("connectors", ConnectorsView.as_view(), name="connectors"),
    path("connections", ConnectionsView.as_view(), name="connections"),
    path("connections/<uuid:id>", ConnectionView.as_view(), name="connection"),
    path("connections/<uuid:id>/test", TestView.as_view(), name="connection_test"),
    path("connections/<uuid:id>/pause", PauseView.as_view(), name="connection_pause"),
    path("connections/<uuid:id>/resume", ResumeView.as_view(), name="connection_resume"),
    path("connections/<uuid:id>/disable", DisableView.as_view(), name="connection_disable"),
    path("connections/<uuid:id>/renew", RenewView.as_view(), name="connection_renew"),
    path(
        "connections/<uuid:id>/rotate-signing-secret",
        RotateSecretView.as_view(),
        name="connection_rotate_secret",
    ),
    path(
        "connections/<uuid:id>/end-signing-overlap",
        EndOverlapView.as_view(),
        name="connection_end_overlap",
    ),
    path(
        "connections/<uuid:id>/disconnect", DisconnectView.as_view(), name="connection_disconnect"
    ),
    path(
        "connections/<uuid:id>/reconnect-link",
        ReconnectLinkView.as_view(),
        name="connection_reconnect_link",
    ),
    path("connect-links", ConnectLinksView.as_view(), name="connect_links"),
    path("connect-links/<uuid:id>", ConnectLinkView.as_view(), name="connect_link"),
]
