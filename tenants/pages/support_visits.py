"""The end of a support visit by its button."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from hub.db.clock import clock
from tenants.access.support_sessions import forget_visit
from tenants.models import SupportVisit
from tenants.services.support_visit_actions import end_visit_of_session


@require_POST
def end_visit_view(request: HttpRequest) -> HttpResponse:
    """End the visit of this session, and return to the tenant's page in the admin."""
    visit = end_visit_of_session(request, SupportVisit.EndCause.STAFF, now=clock())
    forget_visit(request)
    if visit is None:
        return redirect("front")
    messages.success(request, _("The visit has ended."))
    return redirect("admin:tenants_tenant_change", visit.tenant_id)
