"""Connect links of a tenant: an admin makes them, sees what became of them, and takes them back."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from hub.clock import clock
from hub.connections import links as verbs
from hub.connections.link_forms import LinkForm
from hub.connections.login_hosts import LoginHostRefused
from hub.connections.models import ConnectLink
from tenants.models import Membership
from tenants.people import Hand
from tenants.visitors import Visitor, for_visitors

ADMIN = Membership.Role.ADMIN
SHOWN = 100
WORDS = {
    "pending": gettext_lazy("waits to be opened"),
    "opened": gettext_lazy("opened, not connected yet"),
    "used": gettext_lazy("used"),
    "revoked": gettext_lazy("taken back"),
    "expired": gettext_lazy("its time is over"),
}


@dataclass(frozen=True, slots=True)
class Line:
    link: ConnectLink
    state: str

    @classmethod
    def of(cls, link: ConnectLink, now: datetime) -> "Line":
        return cls(link, link.state(now))

    @property
    def word(self) -> Any:
        return WORDS[self.state]

    @property
    def open(self) -> bool:
        return self.state in ("pending", "opened")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_visitors(least=ADMIN)
def links(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """What is made is shown on the answer to the POST, and nowhere else."""
    form = LinkForm(request.POST or None, tenant=visitor.tenant)
    if request.method != "POST" or not form.is_valid():
        return page(request, visitor, form)
    said, hand, now = form.cleaned_data, Hand.of(request, visitor.actor, user=visitor.user), clock()
    try:
        wanted = {key: said[key] for key in ("connection", "environment", "login_host") if key in said}
        wanted |= {"random": secrets.token_bytes, "now": now}
        made, token = verbs.make(visitor.tenant, said["connector"], hand, **wanted)
    except LoginHostRefused as wrong:
        form.add_error("login_host", str(wrong))
        return page(request, visitor, form)
    except verbs.Refused as refused:
        form.add_error(None, str(refused))
        return page(request, visitor, form)
    return page(request, visitor, LinkForm(tenant=visitor.tenant), made=made, address=verbs.address_of(token))


def page(request: HttpRequest, visitor: Visitor, form: LinkForm, **shown: Any) -> HttpResponse:
    now = clock()
    rows = ConnectLink.objects.of(visitor.tenant).select_related("connection").order_by("-pk")[:SHOWN]
    context = {"visitor": visitor, "form": form, "lines": [Line.of(row, now) for row in rows]}
    return render(request, "connections/links.html", context | shown)


@require_POST
@for_visitors(least=ADMIN)
def revoke(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    row = get_object_or_404(ConnectLink.objects.of(visitor.tenant).select_related("tenant"), public_id=id)
    try:
        verbs.revoke(row, Hand.of(request, visitor.actor, user=visitor.user), now=clock())
        messages.success(request, _("The link is taken back: it leads nowhere any more."))
    except verbs.Ended:
        messages.error(request, _("The link has ended already."))
    return HttpResponseRedirect(reverse("connections:links", args=[visitor.tenant.reference]))
