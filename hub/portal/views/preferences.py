"""The brand's style sheet and logo, and the reader's display preferences."""

from csp.constants import NONE
from csp.decorators import csp_replace
from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from hub.portal.colours import build_shades
from hub.portal.display_preferences import THEME_COOKIE, THEMES, ZONE_COOKIE
from tenants.models import available_time_zones

YEAR = 365 * 24 * 3600
HOUR = 3600


@require_safe
@cache_control(public=True, max_age=HOUR)
def serve_brand_css(request: HttpRequest) -> HttpResponse:
    """Serve the brand's colours as a style sheet without user data."""
    return render(
        request,
        "portal/brand.css",
        {"shades": build_shades(settings.HUB_COLOUR)},
        content_type="text/css",
    )


@require_safe
@cache_control(public=True, max_age=HOUR)
@csp_replace({"default-src": [NONE]})
def serve_logo(request: HttpRequest) -> FileResponse:
    if settings.HUB_LOGO is None:
        raise Http404("logo")
    return FileResponse(settings.HUB_LOGO.open("rb"))


@require_POST
def save_preference(request: HttpRequest) -> HttpResponse:
    """Store the choice in a cookie and return to the page."""
    referer = request.META.get("HTTP_REFERER", "")
    is_allowed = url_has_allowed_host_and_scheme(
        referer, {request.get_host()}, require_https=request.is_secure()
    )
    response = HttpResponseRedirect(referer if is_allowed else "/")
    for cookie, allowed_values in (
        (THEME_COOKIE, THEMES),
        (ZONE_COOKIE, {"", *available_time_zones()}),
    ):
        value = request.POST.get(cookie)
        if value is not None and value in allowed_values:
            response.set_cookie(
                cookie, value, max_age=YEAR, secure=settings.SECURE, samesite="Lax", httponly=True
            )
    return response
