"""The settings of a tenant (name, time zone, notice channels) and its members' mail preferences."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.limits.spending import tenant_usage
from hub.notices.forms import ConnectionMailPreferencesForm, MailPreferencesForm, QuietHoursForm
from hub.notices.models import QuietHours
from hub.outgoing.subscriptions.notice_channels import list_notice_channels, set_notice_channels
from hub.portal.forms import NoticeChannelsForm, TenantForm
from hub.portal.views.connections.connection_pages import get_own_connection, redirect_to_connection
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership, available_time_zones
from tenants.services.tenant_actions import change_tenant


@require_http_methods(["GET", "POST"])
@tenant_view()
def show_settings(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """Show the settings forms; each has its own button."""
    data, now = request.POST if request.method == "POST" else None, clock()
    tenant = (
        TenantForm(select_form_data(data, "tenant"), instance=tenant_user.tenant)
        if tenant_user.is_owner
        else None
    )
    membership = get_membership(tenant_user) if tenant_user.user else None
    mail = (
        MailPreferencesForm(select_form_data(data, "mail"), membership=membership)
        if membership
        else None
    )
    hours = (
        QuietHoursForm(
            select_form_data(data, "hours"), prefix="hours", instance=get_mail_hours(membership)
        )
        if membership
        else None
    )
    where = (
        NoticeChannelsForm(
            select_form_data(data, "where"), channels=list_notice_channels(tenant_user.tenant)
        )
        if tenant_user.can_manage
        else None
    )
    if tenant and tenant.is_bound and tenant.is_valid():
        changes = {name: tenant.cleaned_data[name] for name in tenant.changed_data}
        change_tenant(
            tenant_user.tenant, changes, ActorContext.of_visitor(request, tenant_user), now=now
        )
        return redirect_saved(request, tenant_user)
    if mail and mail.is_bound and mail.is_valid():
        mail.save()
        return redirect_saved(request, tenant_user)
    if hours and hours.is_bound and hours.is_valid():
        hours.save_hours(now=now)
        return redirect_saved(request, tenant_user)
    if where and where.is_bound and where.is_valid():
        set_notice_channels(
            tenant_user.tenant,
            where.selection,
            ActorContext.of_visitor(request, tenant_user),
            user=tenant_user.user,
            now=now,
        )
        return redirect_saved(request, tenant_user)
    context: dict[str, Any] = {
        "tenant_user": tenant_user,
        "form": tenant,
        "mail": mail,
        "hours": hours,
        "where": where,
    }
    context["limits"] = tenant_usage(tenant_user.tenant, now=now)
    return render(
        request, "portal/settings.html", context | {"zones": sorted(available_time_zones())}
    )


@require_http_methods(["GET", "POST"])
@tenant_view()
def edit_notifications(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Show and save which mails about one connection a member receives."""
    if tenant_user.user is None:
        return render(request, "people/not_for_guests.html", status=403)
    connection = get_own_connection(tenant_user, id)
    form = ConnectionMailPreferencesForm(
        request.POST or None, membership=get_membership(tenant_user), connection=connection
    )
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect_to_connection(tenant_user, connection)
    return render(
        request,
        "portal/notifications.html",
        {"tenant_user": tenant_user, "connection": connection, "form": form},
    )


def get_mail_hours(membership: Membership | None) -> QuietHours:
    return QuietHours.unscoped.filter(membership=membership).first() or QuietHours(
        membership=membership
    )


def select_form_data(data: QueryDict | None, form: str) -> QueryDict | None:
    return data if data and data.get("save") == form else None


def get_membership(tenant_user: TenantUser) -> Membership:
    memberships = Membership.objects.of(tenant_user.tenant).select_related("tenant")
    membership: Membership = memberships.get(user=tenant_user.user)
    return membership


def redirect_saved(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("portal:settings", args=[tenant_user.tenant.reference]))
