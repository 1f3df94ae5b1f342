"""URLs of the REST API of schemas, below /api/v1/."""

from django.urls import path

from hub.schemas.api import ObjectSchemaView, SchemaRefreshView, SchemaView

urlpatterns = [
    path("connections/<uuid:id>/schema", SchemaView.as_view(), name="schema"),
    path(
        "connections/<uuid:id>/schema/refresh", SchemaRefreshView.as_view(), name="schema_refresh"
    ),
    path(
        "connections/<uuid:id>/schema/objects/<str:object>",
        ObjectSchemaView.as_view(),
        name="schema_object",
    ),
]
