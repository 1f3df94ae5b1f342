"""URLs of the hub."""

from allauth.account.views import email
from allauth.mfa.totp.views import activate_totp
from django.contrib import admin
from django.urls import include, path

from hub.console.views import redirect_to_row, redirect_to_start, show_problem_type
from hub.health.metrics import MetricsView
from hub.health.probes import healthz, livez, readyz
from hub.rest.openapi_view import OpenApiView
from hub.staff import mfa_setup

handler400 = "hub.problems.bad_request"
handler403 = "hub.problems.permission_denied"
handler404 = "hub.problems.not_found"
handler500 = "hub.problems.server_error"

admin.autodiscover()

urlpatterns = [
    # first what programs call most often, as patterns are tried in their order
    path("", include("hub.incoming.urls")),
    path("api/v1/", include("hub.outgoing.urls")),
    path("", redirect_to_start, name="front"),
    # before allauth's own
    path("accounts/2fa/totp/activate/", mfa_setup.require_setup_link(activate_totp)),
    # or a thief could have the setup link sent to another address
    path("accounts/email/", mfa_setup.require_setup_link(email)),
    path("accounts/2fa/first/", mfa_setup.send_setup_link, name="first_factor_send"),
    path(
        "accounts/2fa/first/<str:token>/", mfa_setup.confirm_setup_link, name="first_factor_confirm"
    ),
    path("accounts/", include("allauth.urls")),
    path("", include("tenants.pages.urls")),
    path("api/v1/", include("tenants.urls")),
    path("api/v1/", include("hub.connections.api.urls")),
    path("api/v1/", include("hub.mappings.urls")),
    path("api/v1/", include("hub.identities.urls")),
    path("api/v1/", include("hub.scheduled.urls")),
    path("api/v1/", include("hub.recipes.urls")),
    path("api/v1/", include("hub.schemas.urls")),
    path("api/v1/", include("hub.drift.urls")),
    path("api/v1/", include("hub.forecast.urls")),
    path("api/v1/openapi.json", OpenApiView.as_view(), name="openapi"),
    path("", include("hub.api_docs.urls")),
    path("livez", livez, name="livez"),
    path("readyz", readyz, name="readyz"),
    path("healthz", healthz, name="healthz"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("open/<slug:kind>/<uuid:id>", redirect_to_row, name="open_page"),
    path("problems/<str:code>", show_problem_type, name="problem"),
    path("", include("hub.portal.urls")),
    path("", include("hub.connections.urls")),
    path("admin/", include("hub.console.urls")),
    path("admin/", admin.site.urls),
]
