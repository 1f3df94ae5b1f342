"""URLs of the API's documentation."""

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.urls import path

from hub.api_docs import views

app_name = "api_docs"

# Swagger's page brings styles of its own.
allow_inline_styles = csp_update({"style-src": [SELF, UNSAFE_INLINE]})

urlpatterns = [
    path("api/docs/", views.show_guide, name="introduction"),
    path("api/docs/search/", views.show_search, name="search"),
    path(
        "api/docs/reference/", allow_inline_styles(views.ReferenceView.as_view()), name="reference"
    ),
    path("api/docs/<slug:slug>/", views.show_guide, name="guide"),
    path("problems/", views.show_problems, name="problems"),
]
