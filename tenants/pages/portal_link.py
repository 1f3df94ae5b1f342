"""Page of a portal link, with a button that a script does not press.

Opening the URL does not use the link up, and no browser opens another tenant's pages without a
click of its user.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from hub.db.clock import clock
from tenants.access.guest_sessions import current_guest, protect_secret_url, start_guest_session
from tenants.access.tenant_users import tenant_home_url
from tenants.services import portal_link_actions


@protect_secret_url
@require_http_methods(["GET", "HEAD", "POST"])
def open_portal_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show the page; a POST uses the link and begins the guest's session, unless signed in."""
    link = portal_link_actions.find_portal_link(token)
    if link is None or not link.is_pending(clock()):
        return _render_link_ended(request)
    if request.method != "POST" or request.user.is_authenticated:
        guest = current_guest(request)
        visit = guest if guest and not guest.is_over(now=clock()) else None
        return render(request, "people/portal_link.html", {"link": link, "visit": visit})
    request_origin = {
        "request_id": getattr(request, "request_id", ""),
        "ip": request.META.get("REMOTE_ADDR", ""),
    }
    try:
        start_guest_session(
            request, portal_link_actions.use_portal_link(link, now=clock(), **request_origin)
        )
    except portal_link_actions.PortalLinkEnded:
        return _render_link_ended(request)
    return redirect(tenant_home_url(link.tenant))


def _render_link_ended(request: HttpRequest) -> HttpResponse:
    return render(request, "people/portal_link_ended.html", status=404)
