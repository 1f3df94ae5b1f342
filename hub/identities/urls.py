"""URLs of people and their pairs, below /api/v1/."""

from django.urls import path

from hub.identities.api.directories import DirectoryView
from hub.identities.api.local_users import LocalDirectoryView, LocalUsersView
from hub.identities.api.review import ReviewView, SuggestView

urlpatterns = [
    path("tenants/<str:reference>/users", LocalUsersView.as_view(), name="tenant_users"),
    path(
        "tenants/<str:reference>/users/directory",
        LocalDirectoryView.as_view(),
        name="tenant_users_directory",
    ),
    path("connections/<uuid:id>/directory", DirectoryView.as_view(), name="connection_directory"),
    path(
        "connections/<uuid:id>/identities/suggest",
        SuggestView.as_view(),
        name="connection_identities_suggest",
    ),
    path(
        "connections/<uuid:id>/identities/review",
        ReviewView.as_view(),
        name="connection_identities_review",
    ),
]
