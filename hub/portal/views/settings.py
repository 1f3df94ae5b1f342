"""What a tenant and its people prefer: the organisation's name and zone, and which mails a person wants."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from hub.clock import clock
from hub.portal.forms import TenantForm
from hub.portal.handed import hand_of
from hub.portal.settled import settle
from tenants.models import time_zones
from tenants.visitors import Visitor, for_visitors


@require_http_methods(["GET", "POST"])
@for_visitors()
def settings(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    form = TenantForm(request.POST or None, instance=visitor.tenant) if visitor.owns else None
    if request.method == "POST" and form and form.is_valid():
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        settle(visitor.tenant, changes, hand_of(request, visitor), now=clock())
        messages.success(request, _("Saved."))
        return HttpResponseRedirect(reverse("portal:settings", args=[visitor.tenant.reference]))
    context = {"visitor": visitor, "form": form, "zones": sorted(time_zones())}
    return render(request, "portal/settings.html", context)
