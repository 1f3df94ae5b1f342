"""The progress of a test of a connection that a worker runs."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from hub.connections.actions.queued_tests import (
    INTERRUPTED,
    ConnectionTest,
    read_test_progress,
    restore_failed_result,
)
from hub.connections.credentials import probe_checklist
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.portal.actions import PerformedAction
from hub.portal.views.connections.own_connection import (
    ADMIN,
    get_own_connection,
    redirect_to_connection,
)
from tenants.access.tenant_users import TenantUser, tenant_view


def show_queued_test(
    request: HttpRequest, tenant_user: TenantUser, connection: Connection, done: PerformedAction
) -> HttpResponse | None:
    """Redirect to the progress of a test that a worker makes."""
    if not (isinstance(done.result, ConnectionTest) and done.result.is_queued):
        return None
    args = [tenant_user.tenant.reference, connection.public_id]
    return HttpResponseRedirect(reverse("portal:connection_test_progress", args=args))


@require_safe
@tenant_view(min_role=ADMIN)
def show_test_progress(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Show the progress of a test that a worker runs; the page reloads until there is a result."""
    connection = get_own_connection(tenant_user, id)
    progress = read_test_progress(connection, now=clock())
    if progress is None:
        return redirect_to_connection(tenant_user, connection)
    result = progress.get("result")
    has_failed = result and not result["passed"] and result["reason"] != INTERRUPTED
    context: dict[str, Any] = {
        "tenant_user": tenant_user,
        "connection": connection,
        "connector": connection.connector,
        "progress": progress,
    }
    context["checks"] = (
        probe_checklist.list_probe_steps(restore_failed_result(result))
        if result and has_failed
        else []
    )
    return render(request, "portal/connection_test.html", context)
