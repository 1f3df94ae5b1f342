"""The page on which customers choose what happens to records without an identity."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.mappings.fallbacks import remove_identity_fallback, set_identity_fallback
from hub.mappings.models import IdentityFallback
from hub.portal.views.connections.own_connection import ADMIN, get_own_connection
from hub.portal.views.identities.forms import FallbackForm, FallbackKeyForm
from tenants.access.tenant_users import TenantUser, tenant_view


@require_http_methods(["GET", "HEAD", "POST"])
@tenant_view(min_role=ADMIN)
def show_fallbacks(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """List the fallbacks of a connection (GET); set one (POST)."""
    connection = get_own_connection(tenant_user, id)
    form = FallbackForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        actor = ActorContext.of_visitor(request, tenant_user)
        try:
            set_identity_fallback(connection, actor=actor, now=clock(), **form.cleaned_data)
        except ValidationError as error:
            form.add_errors(error)
        else:
            messages.success(request, _("Saved. What was held is decided again now."))
            return _redirect_to_fallbacks(tenant_user, connection)
    own = IdentityFallback.objects.of(tenant_user.tenant)
    context = {
        "tenant_user": tenant_user,
        "connection": connection,
        "connector": connection.connector,
        "fallbacks": own.filter(connection=connection).order_by("direction", "kind"),
        "form": form,
        "kinds": sorted({*connection.connector.list_choices_by_kind, "user"}),
    }
    return render(request, "portal/identities/fallbacks.html", context)


@require_POST
@tenant_view(min_role=ADMIN)
def remove_fallback_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Remove the fallback that the form names by kind and direction."""
    connection = get_own_connection(tenant_user, id)
    key = FallbackKeyForm(request.POST)
    if not key.is_valid():
        raise Http404(id)
    own = IdentityFallback.objects.of(tenant_user.tenant)
    fallback = get_object_or_404(own, connection=connection, **key.cleaned_data)
    remove_identity_fallback(fallback, ActorContext.of_visitor(request, tenant_user), now=clock())
    messages.success(request, _("Removed."))
    return _redirect_to_fallbacks(tenant_user, connection)


def _redirect_to_fallbacks(tenant_user: TenantUser, connection: Connection) -> HttpResponseRedirect:
    args = [tenant_user.tenant.reference, connection.public_id]
    return HttpResponseRedirect(reverse("portal:identity_fallbacks", args=args))
