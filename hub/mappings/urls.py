"""URLs of identities, below /api/v1/."""

from django.urls import path

from hub.mappings.api import IdentitiesView

urlpatterns = [
    path("connections/<uuid:id>/identities", IdentitiesView.as_view(), name="connection_identities")
]
