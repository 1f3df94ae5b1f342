"""Every address of the hub."""

from django.contrib import admin
from django.urls import include, path

from hub.console.views import front, problem_page

handler400 = "hub.problems.bad_request"
handler403 = "hub.problems.permission_denied"
handler404 = "hub.problems.not_found"
handler500 = "hub.problems.server_error"

urlpatterns = [
    path("", front, name="front"),
    path("api/v1/", include("tenants.urls")),
    path("api/v1/", include("hub.outgoing.urls")),
    path("problems/<str:code>", problem_page, name="problem"),
    path("admin/", admin.site.urls),
]
