"""The settings of a tenant (name, time zone, notice channels) and its members' mail preferences."""

from datetime import datetime
from typing import Any, NamedTuple
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
from hub.portal.views.connections.own_connection import get_own_connection, redirect_to_connection
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership, available_time_zones
from tenants.services.tenant_actions import change_tenant


class SettingsForms(NamedTuple):
    """The forms of the settings page; None: the visitor may not change it."""

    tenant: TenantForm | None
    mail_preferences: MailPreferencesForm | None
    quiet_hours: QuietHoursForm | None
    notice_channels: NoticeChannelsForm | None


@require_http_methods(["GET", "POST"])
@tenant_view()
def show_settings(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    """Show the settings forms; each has its own button."""
    data, now = request.POST if request.method == "POST" else None, clock()
    forms = build_settings_forms(tenant_user, data)
    if save_submitted_form(forms, tenant_user, ActorContext.of_visitor(request, tenant_user), now):
        messages.success(request, _("Saved."))
        return HttpResponseRedirect(reverse("portal:settings", args=[tenant_user.tenant.reference]))
    context: dict[str, Any] = {
        "tenant_user": tenant_user,
        "form": forms.tenant,
        "mail": forms.mail_preferences,
        "hours": forms.quiet_hours,
        "where": forms.notice_channels,
        "limits": tenant_usage(tenant_user.tenant, now=now),
        "zones": sorted(available_time_zones()),
    }
    return render(request, "portal/settings.html", context)


def build_settings_forms(tenant_user: TenantUser, data: QueryDict | None) -> SettingsForms:
    """Build the forms that the visitor may use; the one whose button was pressed is bound."""
    tenant: TenantForm | None = None
    mail: MailPreferencesForm | None = None
    hours: QuietHoursForm | None = None
    where: NoticeChannelsForm | None = None
    if tenant_user.is_owner:
        tenant = TenantForm(select_form_data(data, "tenant"), instance=tenant_user.tenant)
    if tenant_user.user:
        membership = get_membership(tenant_user)
        mail = MailPreferencesForm(select_form_data(data, "mail"), membership=membership)
        hours = QuietHoursForm(
            select_form_data(data, "hours"), prefix="hours", instance=get_mail_hours(membership)
        )
    if tenant_user.can_manage:
        channels = list_notice_channels(tenant_user.tenant)
        where = NoticeChannelsForm(select_form_data(data, "where"), channels=channels)
    return SettingsForms(tenant, mail, hours, where)


def save_submitted_form(
    forms: SettingsForms, tenant_user: TenantUser, actor: ActorContext, now: datetime
) -> bool:
    """Save the bound form, if it is valid; return whether one was saved."""
    submitted = next((form for form in forms if form and form.is_bound and form.is_valid()), None)
    if submitted is None:
        return False
    if isinstance(submitted, TenantForm):
        changes = {name: submitted.cleaned_data[name] for name in submitted.changed_data}
        change_tenant(tenant_user.tenant, changes, actor, now=now)
    elif isinstance(submitted, MailPreferencesForm):
        submitted.save()
    elif isinstance(submitted, QuietHoursForm):
        submitted.save_hours(now=now)
    elif isinstance(submitted, NoticeChannelsForm):
        set_notice_channels(
            tenant_user.tenant, submitted.selection, actor, user=tenant_user.user, now=now
        )
    return True


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


def get_mail_hours(membership: Membership) -> QuietHours:
    return QuietHours.unscoped.filter(membership=membership).first() or QuietHours(
        membership=membership
    )


def select_form_data(data: QueryDict | None, form: str) -> QueryDict | None:
    return data if data and data.get("save") == form else None


def get_membership(tenant_user: TenantUser) -> Membership:
    memberships = Membership.objects.of(tenant_user.tenant).select_related("tenant")
    membership: Membership = memberships.get(user=tenant_user.user)
    return membership
