"""What a tenant and its people prefer: the organisation's name and zone, and which mails a person wants."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from hub.clock import clock
from hub.notices.forms import MailForm
from hub.portal.forms import TenantForm
from hub.portal.handed import hand_of
from hub.portal.settled import settle
from tenants.models import Membership, time_zones
from tenants.visitors import Visitor, for_visitors


@require_http_methods(["GET", "POST"])
@for_visitors()
def settings(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """Two forms, each saved by its own button."""
    said = request.POST if request.method == "POST" else None
    tenant = TenantForm(wanted(said, "tenant"), instance=visitor.tenant) if visitor.owns else None
    mail = MailForm(wanted(said, "mail"), membership=membership_of(visitor)) if visitor.user else None
    if tenant and tenant.is_bound and tenant.is_valid():
        changes = {name: tenant.cleaned_data[name] for name in tenant.changed_data}
        settle(visitor.tenant, changes, hand_of(request, visitor), now=clock())
        return saved(request, visitor)
    if mail and mail.is_bound and mail.is_valid():
        mail.save()
        return saved(request, visitor)
    context = {"visitor": visitor, "form": tenant, "mail": mail, "zones": sorted(time_zones())}
    return render(request, "portal/settings.html", context)


def wanted(said: QueryDict | None, form: str) -> QueryDict | None:
    return said if said and said.get("save") == form else None


def membership_of(visitor: Visitor) -> Membership:
    return Membership.objects.of(visitor.tenant).get(user=visitor.user)


def saved(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("portal:settings", args=[visitor.tenant.reference]))
