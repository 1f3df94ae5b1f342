"""Save and delete views of the log, which the team shares."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.portal.forms import SavedViewForm
from hub.portal.log.saved_views import remove_saved_view, store_saved_view
from hub.portal.models import SavedView
from hub.problems import show_refusal
from tenants.access.tenant_users import TenantUser, tenant_view
from tenants.models import Membership


def redirect_to_log(tenant_user: TenantUser, query: str = "") -> HttpResponseRedirect:
    return HttpResponseRedirect(
        f"{reverse('portal:events', args=[tenant_user.tenant.reference])}?{query}"
    )


@require_POST
@tenant_view(min_role=Membership.Role.ADMIN)
def create_saved_view(request: HttpRequest, tenant_user: TenantUser) -> HttpResponse:
    form = SavedViewForm(request.POST)
    if not form.is_valid():
        messages.warning(
            request, _("Not saved. Set at least one filter and enter a name for the view.")
        )
        return redirect_to_log(tenant_user)
    name, query = form.cleaned_data["name"], form.cleaned_data["query"]
    with show_refusal(request):
        actor = ActorContext.of_visitor(request, tenant_user)
        store_saved_view(tenant_user.tenant, name, query, actor, now=clock())
        messages.success(
            request,
            _("“%(name)s” has been saved. Your organisation can use it under saved views.")
            % {"name": name},
        )
    return redirect_to_log(tenant_user, query)


@require_POST
@tenant_view(min_role=Membership.Role.ADMIN)
def delete_saved_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    view = get_object_or_404(SavedView.objects.of(tenant_user.tenant), public_id=id)
    remove_saved_view(view, ActorContext.of_visitor(request, tenant_user), now=clock())
    messages.success(request, _("“%(name)s” has been removed.") % {"name": view.name})
    return redirect_to_log(tenant_user)
