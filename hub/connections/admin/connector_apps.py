"""Staff pages of connector apps: our registration at a system, with base URLs and client secret."""

from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables

from connectors.base import Connector
from connectors.oauth import OAuth
from connectors.registry import CONNECTORS
from connectors.schema import Environment, LoginHost
from hub import egress, staff
from hub.audit import ActorContext
from hub.connections.actions.connector_app_actions import APP_WEBHOOK_URL, save_connector_app
from hub.connections.connecting.oauth.begin import build_redirect_uri
from hub.connections.credentials.app_check import UNREADABLE_SENTENCE, check_connector_app
from hub.connections.forms.connector_app_form import ConnectorAppForm
from hub.connections.models import ConnectorApp
from hub.db.clock import clock
from hub.problems import show_refusal
from hub.reason_codes import translate_text
from tenants.scoping import ScopedAdminMixin


def _is_oauth_app(app: ConnectorApp) -> bool:
    return isinstance(CONNECTORS.get(app.connector_key), OAuth)


def _build_registration_instructions(connector: Connector) -> dict[str, Any] | None:
    """Build the instructions to register our app; None if the system needs none."""
    if not isinstance(connector, OAuth):
        return None
    address = build_redirect_uri(connector)
    permissions = " ".join(entry.key for entry in connector.permissions)
    names = {"redirect_uri": address, "permissions": permissions, "hub": settings.HUB_NAME}
    return {
        "redirect_uri": address,
        "permissions": permissions,
        "steps": [translate_text(step) % names for step in connector.guide],
        "manifest": connector.build_manifest(
            redirect_uri=address,
            name=settings.HUB_NAME,
            webhook_url=APP_WEBHOOK_URL.function(connector.key),
        ),
    }


def _list_logins(app: ConnectorApp) -> list[tuple[Environment | LoginHost, str]]:
    """List the kinds of accounts with their sign-in address; "" if no host pattern allows it."""
    connector, offered = CONNECTORS[app.connector_key], app.environments
    places: list[tuple[Environment | LoginHost, str]] = []
    if not isinstance(connector, OAuth):
        return places
    for entry in connector.environments:
        urls = connector.urls_at(entry.key, app.bases)
        places.append(
            (entry, connector.authorize_address.format(**urls) if entry in offered else "")
        )
    if login_host := connector.login_host:
        urls = connector.urls_at("", app.bases, login_host.example)
        places.append(
            (login_host, connector.authorize_address.format(**urls) if app.has_login_hosts else "")
        )
    return places


@admin.register(ConnectorApp)
class ConnectorAppAdmin(ScopedAdminMixin, staff.ModelAdmin):
    empty_text = (
        "Our registration at a provider of OAuth: its client id and secret. Customers cannot "
        "connect that system before it is entered."
    )
    empty_step = staff.EmptyStep(
        "Enter a registration", "admin:connections_connectorapp_add", "connections.add_connectorapp"
    )
    call = staticmethod(egress.send_request)
    row_actions = ("test",)
    list_display = ("system", "registration_state", "addresses", "last_changed")
    ordering = ("connector_key",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # connections need it

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        registered_keys = set(ConnectorApp.objects.values_list("connector_key", flat=True))
        connector = request.GET.get("connector", "")
        if connector not in CONNECTORS or connector in registered_keys:
            systems = [entry for key, entry in CONNECTORS.items() if key not in registered_keys]
            return self.page(
                request, "console/systems.html", systems=systems, title="Register at a system"
            )
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
        if login_redirect := staff.reauthentication_redirect(request):
            return login_redirect
        form = ConnectorAppForm(request.POST or None, app=app)
        if request.method == "POST" and form.is_valid() and self.save_app(request, app, form):
            self.message_user(
                request, f"The connector app for {CONNECTORS[app.connector_key].label} is saved."
            )
            return HttpResponseRedirect(reverse("admin:connections_connectorapp_changelist"))
        if form.is_unreadable:
            self.message_user(request, UNREADABLE_SENTENCE, messages.WARNING)
        connector = CONNECTORS[app.connector_key]
        return self.page(
            request,
            "console/connector_app.html",
            form=form,
            title=f"Connector app: {connector.label}",
            connector=connector,
            registration=_build_registration_instructions(connector),
            logins=_list_logins(app),
            buttons=self.action_buttons(request, app) if app.pk else (),
        )

    @sensitive_variables()
    def save_app(self, request: HttpRequest, app: ConnectorApp, form: ConnectorAppForm) -> bool:
        """Save the connector app; False, with an error in the form, if that is refused."""
        data = form.cleaned_data
        with show_refusal(request, form):
            save_connector_app(
                app,
                data["document"],
                ActorContext.of_request(request),
                urls=data["urls"],
                hosts=data["hosts"],
                ends_overlap=data.get("ends_overlap", False),
                now=clock(),
            )
        return form.is_valid()

    @staff.row_action("Test", icon="network_check", is_available=_is_oauth_app, atomic=False)
    @sensitive_variables()
    def test(
        self, request: HttpRequest, app: ConnectorApp, data: dict[str, Any], *, now: datetime
    ) -> staff.ActionResult:
        """Test whether the external system accepts our client id and secret."""
        connector = cast(OAuth, CONNECTORS[app.connector_key])
        check_result = check_connector_app(
            app, connector, redirect_uri=build_redirect_uri(connector), call=self.call, now=now
        )
        is_recognised = check_result.is_recognised
        self.audit_action(request, "test", app, now=now, after={"known": is_recognised})
        message = " ".join(filter(None, (check_result.sentence, check_result.detail)))
        return staff.ActionResult(message, succeeded=bool(is_recognised))

    @staff.display(description="system", ordering="connector_key")
    def system(self, app: ConnectorApp) -> str:
        return (
            CONNECTORS[app.connector_key].label
            if app.connector_key in CONNECTORS
            else app.connector_key
        )

    @staff.display(description="registration")
    def registration_state(self, app: ConnectorApp) -> str:
        return (
            staff.render_badge("active", "set up")
            if app.is_set_up
            else staff.render_badge("disabled", "not set up yet")
        )

    @staff.display(description="base URLs")
    def addresses(self, app: ConnectorApp) -> str:
        return ", ".join(app.urls.values()) or "the connector's own"

    @staff.display(description="changed", ordering="updated_at")
    def last_changed(self, app: ConnectorApp) -> str:
        return staff.render_time(app.updated_at)
