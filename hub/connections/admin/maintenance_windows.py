"""Staff pages of maintenance windows: declare when nothing is sent."""

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from connectors.registry import CONNECTORS, find_connector_label
from hub import staff
from hub.connections.actions import maintenance
from hub.connections.models import MaintenanceWindow
from hub.db.clock import clock
from hub.throttle.admin import ConnectorFilter
from tenants.models import User
from tenants.scoping import ScopedAdminMixin

WINDOW_LENGTH_MAX = timedelta(days=30)


def list_system_choices() -> list[tuple[str, str]]:
    return [("", "–"), *((key, connector.label) for key, connector in CONNECTORS.items())]


class MaintenanceWindowForm(forms.ModelForm):
    connector_key = forms.ChoiceField(
        label="System", choices=lambda: [(key, code.label) for key, code in CONNECTORS.items()]
    )

    class Meta:
        model = MaintenanceWindow
        fields = ("connector_key", "connection", "starts_at", "ends_at", "reason")
        help_texts = {
            "starts_at": "In UTC.",
            "ends_at": "In UTC. Waiting deliveries are sent then.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "connector_key" in self.fields:
            staff.apply_admin_style(self.fields["connector_key"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        connection, starts_at, ends_at = (
            data.get("connection"),
            data.get("starts_at"),
            data.get("ends_at"),
        )
        if connection and connection.connector_key != data.get("connector_key"):
            self.add_error("connection", "This connection belongs to another system.")
        if starts_at and ends_at and not starts_at < ends_at <= starts_at + WINDOW_LENGTH_MAX:
            self.add_error(
                "ends_at",
                f"Must be after the start, by at most {WINDOW_LENGTH_MAX.days} days. For "
                "longer periods, pause the connection.",
            )
        return data


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(ScopedAdminMixin, staff.ModelAdmin):
    list_title = "Maintenance"
    empty_text = "Declare when a system will not answer: deliveries then wait instead of failing."
    empty_step = staff.EmptyStep(
        "Declare a maintenance",
        "admin:connections_maintenancewindow_add",
        "connections.add_maintenancewindow",
    )
    form = MaintenanceWindowForm
    list_display = ("subject", "condition", "start_time", "end_time", "reason", "declared_by")
    list_filter = (ConnectorFilter,)
    list_select_related = ("connection", "declared_by")
    autocomplete_fields = ("connection",)
    ordering = ("-ends_at",)
    fields = ("connector_key", "connection", "starts_at", "ends_at", "reason")
    declared_actions = maintenance.WINDOW_ACTIONS

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # it is ended instead, and stays listed

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        if not change:
            cast(MaintenanceWindow, obj).declared_by = cast(User, request.user)
        super().save_model(request, obj, form, change)
        maintenance.apply_changed_windows(now=clock())

    @staff.display(description="maintenance of")
    def subject(self, window: MaintenanceWindow) -> str:
        return str(window.connection or find_connector_label(window.connector_key))

    @staff.display(description="state")
    def condition(self, window: MaintenanceWindow) -> str:
        if window.ends_at <= clock():
            return staff.render_badge("skipped", "over")
        return (
            staff.render_badge("held", "on")
            if window.starts_at <= clock()
            else staff.render_badge("waiting", "planned")
        )

    @staff.display(description="start", ordering="starts_at")
    def start_time(self, window: MaintenanceWindow) -> str:
        return staff.render_time(window.starts_at)

    @staff.display(description="end", ordering="ends_at")
    def end_time(self, window: MaintenanceWindow) -> str:
        return staff.render_time(window.ends_at)
