"""Pages that export identities as CSV, and import them after a person has confirmed the plan."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.identities.csv_pairs import (
    ImportPlan,
    PlanChanged,
    export_identities,
    import_identities,
    plan_identity_import,
)
from hub.portal.views.connections.identity_pages import redirect_to_identities
from hub.portal.views.connections.own_connection import ADMIN, get_own_connection
from hub.portal.views.identities.forms import ConfirmedPlanForm, PairsFileForm
from tenants.access.tenant_users import TenantUser, tenant_view

ROWS_SHOWN = 100  # problems, and changed pairs, of a plan


@require_safe
@tenant_view(min_role=ADMIN, shown_to_support=False)
def export_identities_view(
    request: HttpRequest, tenant_user: TenantUser, id: UUID
) -> HttpResponseBase:
    """Download the confirmed pairs; the download is audited."""
    connection = get_own_connection(tenant_user, id)
    actor = ActorContext.of_visitor(request, tenant_user)
    lines = export_identities(connection, actor, now=clock())
    response = StreamingHttpResponse(lines, content_type="text/csv")
    response["Content-Disposition"] = f'attachment; filename="identities-{connection.pk}.csv"'
    response["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "POST"])
@tenant_view(min_role=ADMIN)
def import_identities_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Show the import form and the plan of a file; run a confirmed plan."""
    connection = get_own_connection(tenant_user, id)
    if "digest" in request.POST:
        return _run_plan(request, tenant_user, connection)
    form = PairsFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            plan = plan_identity_import(connection, form.cleaned_data["file"])
        except ValidationError as error:
            form.add_error("file", error)
        else:
            return _render_plan(request, tenant_user, connection, plan)
    return _render_form(request, tenant_user, connection, form)


def _run_plan(
    request: HttpRequest, tenant_user: TenantUser, connection: Connection
) -> HttpResponse:
    confirmed = ConfirmedPlanForm(request.POST)
    if not confirmed.is_valid():
        messages.error(request, _("Choose the file again: its plan was not received completely."))
        return _render_form(request, tenant_user, connection, PairsFileForm())
    text, digest = confirmed.cleaned_data["text"], confirmed.cleaned_data["digest"]
    actor = ActorContext.of_visitor(request, tenant_user)
    try:
        count = import_identities(connection, text, digest, actor, now=clock())
    except PlanChanged as changed:
        messages.error(request, str(changed))
        plan = plan_identity_import(connection, text)
        return _render_plan(request, tenant_user, connection, plan)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return _render_form(request, tenant_user, connection, PairsFileForm())
    saved = ngettext("%(count)d pair was saved.", "%(count)d pairs were saved.", count)
    released = _("Deliveries that were held for them are sent now.")
    messages.success(request, f"{saved % {'count': count}} {released}")
    return redirect_to_identities(tenant_user, connection)


def _render_form(
    request: HttpRequest, tenant_user: TenantUser, connection: Connection, form: PairsFileForm
) -> HttpResponse:
    context = {"tenant_user": tenant_user, "connection": connection, "form": form}
    return render(request, "portal/identities/import.html", context)


def _render_plan(
    request: HttpRequest, tenant_user: TenantUser, connection: Connection, plan: ImportPlan
) -> HttpResponse:
    context = {
        "tenant_user": tenant_user,
        "connection": connection,
        "connector": connection.connector,
        "plan": plan,
        "problems": plan.problems[:ROWS_SHOWN],
        "changed_rows": plan.changed_rows[:ROWS_SHOWN],
        "form": ConfirmedPlanForm(initial={"text": plan.text, "digest": plan.digest}),
    }
    return render(request, "portal/identities/import_plan.html", context)
