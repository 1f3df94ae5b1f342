"""Where a portal link leads: a page with a button, which no script presses.

Looking at the address uses nothing up, and nobody can be brought into another tenant's pages unawares.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from hub.clock import clock
from tenants import portal_links
from tenants.guests import at_a_secret_address, guest_of, let_in
from tenants.visitors import home_of


@at_a_secret_address
@require_http_methods(["GET", "HEAD", "POST"])
def portal_link(request: HttpRequest, token: str) -> HttpResponse:
    """A person who is signed in stays who they are: one browser is never two people."""
    link = portal_links.named(token)
    if link is None or not link.open(clock()):
        return ended(request)
    if request.method != "POST" or request.user.is_authenticated:
        guest = guest_of(request)
        visit = guest if guest and not guest.is_over(now=clock()) else None
        return render(request, "people/portal_link.html", {"link": link, "visit": visit})
    where = {"request_id": getattr(request, "request_id", ""), "ip": request.META.get("REMOTE_ADDR", "")}
    try:
        let_in(request, portal_links.use(link, now=clock(), **where))
    except portal_links.Ended:
        return ended(request)
    return redirect(home_of(link.tenant))


def ended(request: HttpRequest) -> HttpResponse:
    return render(request, "people/portal_link_ended.html", status=404)
