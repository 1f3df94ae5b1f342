"""Forms of staff with the fields of a connector: connect a system, update settings and credential.

The values are tested before they are stored.
"""

import secrets
from datetime import datetime
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.debug import sensitive_variables

from connectors.base import Connector
from connectors.registry import CONNECTORS
from hub import staff
from hub.audit import ActorContext
from hub.connections.actions.signing_secret_actions import show_secret_once
from hub.connections.connecting.by_form import connect_with_form, update_with_form
from hub.connections.connecting.form_results import (
    Connected,
    ConnectionTestFailed,
    FormInput,
    FormResult,
)
from hub.connections.credentials import probe_checklist
from hub.connections.forms.connection_forms import ConnectForm, CredentialForm
from hub.connections.models import Connection
from hub.db.clock import clock
from tenants.models import User


def _raise_if_rejected(result: FormResult) -> Connected:
    """Return the result if the connection is stored. Raises ActionRejected with the test steps."""
    if isinstance(result, Connected):
        return result
    steps = probe_checklist.list_probe_steps(result.probe_result) if result.probe_result else []
    if isinstance(result, ConnectionTestFailed):
        reason = probe_checklist.describe_failed_probe(result.probe_result)
        raise staff.ActionRejected(f"The test failed: {reason}", steps=steps)
    raise staff.ActionRejected(result.detail, steps=steps)


class ConnectionFormsMixin(staff.ModelAdmin):
    """Mixin of the connections' admin: the page *Connect a system*, and the action that updates."""

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Ask for the system, then for its fields, which are tested before they are stored."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        connector = CONNECTORS.get(request.GET.get("connector", ""))
        if connector is None or (connector.is_for_platform and not request.user.is_superuser):
            systems = [
                entry
                for entry in CONNECTORS.values()
                if request.user.is_superuser or not entry.is_for_platform
            ]
            return self.page(
                request, "console/systems.html", systems=systems, title="Connect a system"
            )
        form = ConnectForm(
            request.POST or None,
            connector=connector,
            request=request,
            site=self.admin_site,
        )
        values = {"tenant": request.GET.get("tenant")}
        form.initial.update(staff.select_valid_values(form.fields, values))
        problem_context: dict[str, Any] = {}
        if request.method == "POST" and form.is_valid():
            try:
                return self.connect_from_form(request, form, connector)
            except staff.ActionRejected as declined:
                form.add_error(None, str(declined))
                problem_context = declined.context
        title = f"Connect {connector.label}"
        return self.page(
            request,
            "console/connect.html",
            form=form,
            connector=connector,
            title=title,
            **problem_context,
        )

    @sensitive_variables()
    def connect_from_form(
        self, request: HttpRequest, form: ConnectForm, connector: Connector
    ) -> HttpResponse:
        """Connect, and show the connection. Raises ActionRejected if nothing was stored."""
        data = form.cleaned_data
        result = _raise_if_rejected(
            connect_with_form(
                data.get("tenant"),
                connector,
                data["name"],
                FormInput.from_cleaned_data(data),
                ActorContext.of_request(request),
                connected_by=cast(User, request.user),
                allow_untested=data["anyway"],
                reason=data["reason"],
                call=self.call,
                random=secrets.SystemRandom(),
                now=clock(),
            )
        )
        self.message_user(request, f"{connector.label} is connected.")
        if result.signing_secret:
            back = self.change_url(result.connection)
            return self.render_once(request, show_secret_once(result.signing_secret), back=back)
        return HttpResponseRedirect(self.change_url(result.connection))

    @staff.row_action(
        "Settings and credential",
        icon="key",
        form=CredentialForm,
        atomic=False,
        question=(
            "The settings are tested before they are saved. The connection keeps its history "
            "and waiting deliveries."
        ),
    )
    @sensitive_variables()
    def credential(
        self, request: HttpRequest, connection: Connection, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        result = _raise_if_rejected(
            update_with_form(
                connection,
                FormInput.from_cleaned_data(data),
                ActorContext.of_request(request),
                allow_untested=data["anyway"],
                reason=data.get("reason", ""),
                call=self.call,
                random=secrets.SystemRandom(),
                now=now,
            )
        )
        detail = "Saved, and the test passed."
        if not result.probe_result.passed:
            detail = "Saved, without a passing test."
        new_secret = result.signing_secret
        page = None
        if new_secret:
            once = show_secret_once(new_secret)
            page = self.render_once(request, once, back=self.change_url(connection))
        return staff.ActionResult(detail, page=page)
