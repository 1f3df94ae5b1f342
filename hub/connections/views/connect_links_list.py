"""The page of a tenant's connect links: create one, read its state."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from hub.audit import ActorContext
from hub.connections.connecting import connect_links
from hub.connections.forms.connect_link_forms import ConnectLinkForm
from hub.connections.models import ConnectLink
from hub.db.clock import clock
from hub.problems import show_refusal
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership

ADMIN_ROLE = Membership.Role.ADMIN
LINKS_SHOWN = 100
STATE_LABELS = {
    "pending": gettext_lazy("not opened yet"),
    "opened": gettext_lazy("opened, not connected yet"),
    "used": gettext_lazy("used"),
    "revoked": gettext_lazy("revoked"),
    "expired": gettext_lazy("expired"),
}


@dataclass(frozen=True, slots=True)
class ConnectLinkRow:
    link: ConnectLink
    state: str

    @classmethod
    def of(cls, link: ConnectLink, now: datetime) -> "ConnectLinkRow":
        return cls(link, link.state(now))

    @property
    def state_label(self) -> Any:
        return STATE_LABELS[self.state]

    @property
    def is_open(self) -> bool:
        return self.state in ("pending", "opened")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@tenant_view(min_role=ADMIN_ROLE, shown_to_support=False)
def manage_links(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """List the links; only the response to the POST contains a new link's address."""
    form = ConnectLinkForm(request.POST or None, tenant=tenant_user.tenant)
    if request.method != "POST" or not form.is_valid():
        return _render_links_page(request, tenant_user, form)
    data, actor, now = form.cleaned_data, ActorContext.of_visitor(request, tenant_user), clock()
    with show_refusal(request, form):
        link_options: dict[str, Any] = {
            key: data[key] for key in ("connection", "environment", "login_host") if key in data
        }
        link_options |= {"random": secrets.token_bytes, "now": now}
        link, token = connect_links.create_connect_link(
            tenant_user.tenant, data["connector"], actor, **link_options
        )
        return _render_links_page(
            request,
            tenant_user,
            ConnectLinkForm(tenant=tenant_user.tenant),
            made=link,
            address=connect_links.build_connect_link_url(token),
        )
    return _render_links_page(request, tenant_user, form)


def _render_links_page(
    request: HttpRequest, tenant_user: TenantUser, form: ConnectLinkForm, **extra_context: Any
) -> HttpResponse:
    now = clock()
    rows = (
        ConnectLink.objects.of(tenant_user.tenant)
        .select_related("connection")
        .order_by("-pk")[:LINKS_SHOWN]
    )
    context = {
        "tenant_user": tenant_user,
        "form": form,
        "lines": [ConnectLinkRow.of(link, now) for link in rows],
    }
    return render(request, "connections/links.html", context | extra_context)
