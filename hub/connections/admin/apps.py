"""Our own registration at each external system: base URLs, and what that system gave us."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables

from connectors.oauth import OAuth
from connectors.parts import Environment, LoginHost
from connectors.registry import CONNECTORS
from hub import egress, staff
from hub.clock import clock
from hub.connections.authorize.begin import redirect_uri_of
from hub.connections.check import check
from hub.connections.forms import AppForm
from hub.connections.models import ConnectorApp
from hub.queue import ring
from hub.words import said
from tenants.scoping import ScopedAdminMixin


def is_oauth(app: ConnectorApp) -> bool:
    return isinstance(CONNECTORS.get(app.connector_key), OAuth)


def instructions(connector: Any) -> dict[str, Any] | None:
    """What is entered where our app is registered; None where nothing is."""
    if not isinstance(connector, OAuth):
        return None
    address = redirect_uri_of(connector)
    permissions = " ".join(entry.key for entry in connector.permissions)
    names = {"redirect_uri": address, "permissions": permissions, "hub": settings.HUB_NAME}
    return {
        "redirect_uri": address,
        "permissions": permissions,
        "steps": [said(step) % names for step in connector.guide],
        "manifest": connector.manifest(redirect_uri=address, name=settings.HUB_NAME),
    }


def logins(app: ConnectorApp) -> list[tuple[Environment | LoginHost, str]]:
    """Where people sign in, by the kind of account; empty: no host pattern allows it, so that it is not offered."""
    connector, offered, places = CONNECTORS[app.connector_key], app.environments, []
    for entry in connector.environments:
        urls = connector.urls_at(entry.key, app.bases)
        places.append((entry, connector.authorize_at.format(**urls) if entry in offered else ""))
    if own := connector.login_host:
        urls = connector.urls_at("", app.bases, own.example)
        places.append((own, connector.authorize_at.format(**urls) if app.has_login_hosts else ""))
    return places


@admin.register(ConnectorApp)
class ConnectorAppAdmin(ScopedAdminMixin, staff.ModelAdmin):
    call = staticmethod(egress.outward)  # the way to the network
    verbs = ("test",)
    list_display = ("system", "registered", "addresses", "changed")
    ordering = ("connector_key",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # connections work through it

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        taken = set(ConnectorApp.objects.values_list("connector_key", flat=True))
        connector = request.GET.get("connector", "")
        if connector not in CONNECTORS or connector in taken:
            systems = [entry for key, entry in CONNECTORS.items() if key not in taken]
            return self.page(request, "console/systems.html", systems=systems, title="Register at a system")
        return self.form_page(request, ConnectorApp(connector_key=connector))

    @sensitive_variables()
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        app = self.get_object(request, object_id)
        if app is None or app.connector_key not in CONNECTORS:
            raise Http404(object_id)
        if not self.has_change_permission(request, app):
            raise PermissionDenied
        return self.form_page(request, app)

    @sensitive_variables()
    def form_page(self, request: HttpRequest, app: ConnectorApp) -> HttpResponse:
        if way := staff.way_to_reauthenticate(request):
            return way
        form = AppForm(request.POST or None, app=app)
        if request.method == "POST" and form.is_valid():
            self.keep(request, app, form.cleaned_data)
            self.message_user(request, f"The connector app for {CONNECTORS[app.connector_key].label} is saved.")
            return HttpResponseRedirect(reverse("admin:connections_connectorapp_changelist"))
        connector = CONNECTORS[app.connector_key]
        return self.page(
            request,
            "console/connector_app.html",
            form=form,
            title=f"Connector app: {connector.label}",
            connector=connector,
            there=instructions(connector),
            logins=logins(app),
            buttons=self.buttons(request, app) if app.pk else (),
        )

    @staff.verb("Test", icon="network_check", when=is_oauth, atomic=False)
    @sensitive_variables()
    def test(self, request: HttpRequest, row: ConnectorApp, said: dict[str, Any], *, now: datetime) -> staff.Done:
        """What the other system says of our client id and secret."""
        connector = CONNECTORS[row.connector_key]
        verdict = check(row, connector, redirect_uri=redirect_uri_of(connector), call=self.call, now=now)
        told = " ".join(filter(None, (verdict.sentence, verdict.detail)))
        return staff.Done(told, after={"known": verdict.known}, well=bool(verdict.known))

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

    @staff.display(description="system", ordering="connector_key")
    def system(self, app: ConnectorApp) -> str:
        return CONNECTORS[app.connector_key].label if app.connector_key in CONNECTORS else app.connector_key

    @staff.display(description="registration")
    def registered(self, app: ConnectorApp) -> str:
        return staff.badge("active", "set up") if app.set_up else staff.badge("disabled", "not set up yet")

    @staff.display(description="base URLs")
    def addresses(self, app: ConnectorApp) -> str:
        return ", ".join(app.urls.values()) or "the connector's own"

    @staff.display(description="changed", ordering="updated_at")
    def changed(self, app: ConnectorApp) -> str:
        return staff.moment(app.updated_at)
