"""Our own registration at each external system: base URLs, and what that system gave us."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables

from connectors.registry import CONNECTORS
from hub import staff
from hub.clock import clock
from hub.connections.forms import AppForm
from hub.connections.models import ConnectorApp
from hub.queue import ring
from tenants.scoping import ScopedAdminMixin


@admin.register(ConnectorApp)
class ConnectorAppAdmin(ScopedAdminMixin, staff.ModelAdmin):
    list_display = ("system", "registered", "addresses", "changed")
    ordering = ("connector",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # connections work through it

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        taken = set(ConnectorApp.objects.values_list("connector", flat=True))
        connector = request.GET.get("connector", "")
        if connector not in CONNECTORS or connector in taken:
            systems = [entry for key, entry in CONNECTORS.items() if key not in taken]
            return self.page(request, "console/systems.html", systems=systems, title="Register at a system")
        return self.form_page(request, ConnectorApp(connector=connector))

    @sensitive_variables()
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        app = self.get_object(request, object_id)
        if app is None or app.connector not in CONNECTORS:
            raise Http404(object_id)
        if not self.has_change_permission(request, app):
            raise PermissionDenied
        return self.form_page(request, app)

    @sensitive_variables()
    def form_page(self, request: HttpRequest, app: ConnectorApp) -> HttpResponse:
        form = AppForm(request.POST or None, app=app)
        if request.method == "POST" and form.is_valid():
            self.keep(request, app, form.cleaned_data)
            self.message_user(request, f"The connector app for {CONNECTORS[app.connector].label} is saved.")
            return HttpResponseRedirect(reverse("admin:connections_connectorapp_changelist"))
        title = f"Connector app: {CONNECTORS[app.connector].label}"
        lead = "It holds for every tenant. What is not filled in is as the connector states it."
        return self.page(request, "console/form.html", form=form, title=title, lead=lead, submit="Save")

    @sensitive_variables()
    @transaction.atomic
    def keep(self, request: HttpRequest, app: ConnectorApp, said: dict[str, Any]) -> None:
        now, new = clock(), app.pk is None
        before = None if new else {"urls": app.urls, "hosts": app.hosts}
        app.urls, app.hosts = said["urls"], said["hosts"]
        app.seal(said["document"])
        app.save()
        after = {"urls": app.urls, "hosts": app.hosts, "filled_in": sorted(said["document"])}
        staff.note(request, f"connectorapp.{'create' if new else 'change'}", app, now=now, before=before, after=after)
        ring("drain", now=now)

    @staff.display(description="system", ordering="connector")
    def system(self, app: ConnectorApp) -> str:
        return CONNECTORS[app.connector].label if app.connector in CONNECTORS else app.connector

    @staff.display(description="registration")
    def registered(self, app: ConnectorApp) -> str:
        return staff.badge("active", "filled in") if app.sealed else staff.badge("disabled", "empty")

    @staff.display(description="base URLs")
    def addresses(self, app: ConnectorApp) -> str:
        return ", ".join(app.urls.values()) or "the connector's own"

    @staff.display(description="changed", ordering="updated_at")
    def changed(self, app: ConnectorApp) -> str:
        return staff.moment(app.updated_at)
