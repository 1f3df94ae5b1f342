"""Test a connection, and show the progress of a test that a worker runs."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from hub import egress
from hub.audit import ActorContext
from hub.connections.actions import connection_actions
from hub.connections.actions.queued_tests import (
    INTERRUPTED,
    queue_connection_test,
    read_test_progress,
    restore_failed_result,
)
from hub.connections.credentials import probe_checklist
from hub.connections.credentials.account_probe import PROBES_BUSY
from hub.db.clock import clock
from hub.portal.views.connections.own_connection import (
    ADMIN,
    get_own_connection,
    redirect_to_connection,
)
from tenants.access.tenant_users import TenantUser, tenant_view


@require_POST
@tenant_view(min_role=ADMIN)
def test_connection_view(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    connection = get_own_connection(tenant_user, id)
    actor, now = ActorContext.of_visitor(request, tenant_user), clock()
    probe_result = connection_actions.perform_connection_test(
        connection, actor, call=egress.send_request, now=now
    )
    if probe_result.reason == PROBES_BUSY and queue_connection_test(connection, actor, now=now):
        return HttpResponseRedirect(
            reverse(
                "portal:connection_test_progress",
                args=[tenant_user.tenant.reference, connection.public_id],
            )
        )
    if probe_result.passed and connection.state == "needs_reconnect":
        warning = _(
            "The access token still works, but it cannot be renewed. Reconnect the account."
        )
        messages.warning(request, warning)
    elif probe_result.passed and connection.state == "degraded":
        warning = _(
            "The test passed, but deliveries still fail. The connection is healthy again "
            "after the first successful delivery."
        )
        messages.warning(request, warning)
    elif probe_result.passed:
        messages.success(
            request, _("The test passed. The other system responds and accepts the credential.")
        )
    else:
        messages.error(
            request,
            _("The test failed: %(why)s")
            % {"why": probe_checklist.describe_failed_probe(probe_result)},
        )
    return redirect_to_connection(tenant_user, connection)


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
