"""URLs of identities, below /api/v1/."""

from django.urls import path

from hub.mappings.api.fallbacks import IdentityFallbacksView
from hub.mappings.api.identities import IdentitiesView

urlpatterns = [
    path(
        "connections/<uuid:id>/identities", IdentitiesView.as_view(), name="connection_identities"
    ),
    path(
        "connections/<uuid:id>/identity-fallbacks",
        IdentityFallbacksView.as_view(),
        name="connection_identity_fallbacks",
    ),
]
