"""What a tenant and its people prefer: the organisation's name and zone, and what a person is told, when and where."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from hub.clock import clock
from hub.limits.spending import usage_of
from hub.notices.forms import ConnectionMailForm, HoursForm, MailForm
from hub.notices.models import QuietHours
from hub.outgoing.tell_in import places, tell_in
from hub.portal.forms import PlacesForm, TenantForm
from hub.portal.handed import hand_of
from hub.portal.settled import settle
from hub.portal.views.connection import back_to, own_connection
from tenants.models import Membership, time_zones
from tenants.visitors import Visitor, for_visitors


@require_http_methods(["GET", "POST"])
@for_visitors()
def settings(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """Some forms, each saved by its own button."""
    said, now = request.POST if request.method == "POST" else None, clock()
    tenant = TenantForm(wanted(said, "tenant"), instance=visitor.tenant) if visitor.owns else None
    membership = membership_of(visitor) if visitor.user else None
    mail = MailForm(wanted(said, "mail"), membership=membership) if membership else None
    hours = HoursForm(wanted(said, "hours"), prefix="hours", instance=hours_of(membership)) if membership else None
    where = PlacesForm(wanted(said, "where"), places=places(visitor.tenant)) if visitor.may_manage else None
    if tenant and tenant.is_bound and tenant.is_valid():
        changes = {name: tenant.cleaned_data[name] for name in tenant.changed_data}
        settle(visitor.tenant, changes, hand_of(request, visitor), now=now)
        return saved(request, visitor)
    if mail and mail.is_bound and mail.is_valid():
        mail.save()
        return saved(request, visitor)
    if hours and hours.is_bound and hours.is_valid():
        hours.keep(now=now)
        return saved(request, visitor)
    if where and where.is_bound and where.is_valid():
        tell_in(visitor.tenant, where.chosen, hand_of(request, visitor), by=visitor.user, now=now)
        return saved(request, visitor)
    context = {"visitor": visitor, "form": tenant, "mail": mail, "hours": hours, "where": where}
    context["limits"] = usage_of(visitor.tenant, now=now)
    return render(request, "portal/settings.html", context | {"zones": sorted(time_zones())})


@require_http_methods(["GET", "POST"])
@for_visitors()
def notifications(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    """Which mails about one connection a person wants."""
    if visitor.user is None:
        return render(request, "people/not_for_guests.html", status=403)
    row = own_connection(visitor, id)
    form = ConnectionMailForm(request.POST or None, membership=membership_of(visitor), connection=row)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return back_to(visitor, row)
    return render(request, "portal/notifications.html", {"visitor": visitor, "connection": row, "form": form})


def hours_of(membership: Membership | None) -> QuietHours:
    return QuietHours.unscoped.filter(membership=membership).first() or QuietHours(membership=membership)


def wanted(said: QueryDict | None, form: str) -> QueryDict | None:
    return said if said and said.get("save") == form else None


def membership_of(visitor: Visitor) -> Membership:
    return Membership.objects.of(visitor.tenant).select_related("tenant").get(user=visitor.user)


def saved(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("portal:settings", args=[visitor.tenant.reference]))
