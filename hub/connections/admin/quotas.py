"""Staff pages of quotas: usage, limit, next possible call, and the spending connections."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse

from hub import staff
from hub.connections.actions.quota_actions import QUOTA_ACTIONS, measure_background_percent
from hub.connections.models import Connection
from hub.connections.quotas.quota_names import name_quotas
from hub.connections.status.quota_usage import annotate_calls_in_flight, measure_quota_usage
from hub.db.clock import clock
from hub.throttle.admin import ConnectorFilter
from hub.throttle.definitions import quota_definition
from hub.throttle.limits import MAX_LIMIT_FACTOR, is_usable_limit
from hub.throttle.models import QuotaState
from tenants.scoping import ScopedAdminMixin

SPENDERS_SHOWN = 20


def _find_spenders(scope: QuotaState) -> QuerySet[Connection]:
    """List the connections whose calls spend this quota, the most recently served first."""
    connections = Connection.unscoped.select_related("tenant", "lane").order_by(
        "-lane__virtual_time", "pk"
    )
    if scope.connector_key:
        connections = connections.filter(connector_key=scope.connector_key)
    if scope.owner.startswith("#"):
        return (
            connections.filter(pk=scope.owner[1:])
            if scope.owner[1:].isdigit()
            else connections.none()
        )
    return connections.filter(account=scope.owner) if scope.owner else connections


class QuotaForm(forms.ModelForm):
    class Meta:
        model = QuotaState
        fields = ("limit",)

    def clean_limit(self) -> int | None:
        limit, quota = self.cleaned_data["limit"], quota_definition(self.instance)
        if limit is None:
            return None
        if quota is None:
            raise ValidationError("This scope has no quota, so a limit would have no effect.")
        if not is_usable_limit(limit, quota):
            raise ValidationError(
                f"From 1 to {quota.limit * MAX_LIMIT_FACTOR:,}. To stop all calls, pause "
                "the connection."
            )
        return int(limit)


@admin.register(QuotaState)
class ScopeAdmin(ScopedAdminMixin, staff.ModelAdmin):
    empty_text = "A quota is counted from the first call to a system. None has been made."
    empty_step = staff.EmptyStep(
        "Show the connections",
        "admin:connections_connection_changelist",
        "connections.view_connection",
    )
    form = QuotaForm
    list_display = ("quota_name", "usage_bar", "allowance", "next_call_time", "limit")
    list_filter = (ConnectorFilter,)
    search_fields = ("^key",)
    search_help_text = "The beginning of the key, such as slack|method|T123."
    ordering = ("connector_key", "kind", "key")
    fields = ("limit",)
    declared_actions = QUOTA_ACTIONS
    audited_as = "scope"
    change_form_outer_before_template = "console/quota.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # the pump creates quotas

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[QuotaState]:
        return annotate_calls_in_flight(super().get_queryset(request), now=clock())

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list; the names of the page's quotas are read in one go."""
        response: HttpResponse = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse) and response.context_data:
            rows = response.context_data["cl"].result_list
            names = name_quotas(scope.key for scope in rows)
            for scope in rows:
                scope.shown_name = names[scope.key]
        return response

    def page_context(self, request: HttpRequest, scope: QuotaState) -> dict[str, Any]:
        return {
            "scope": scope,
            "gauge": measure_quota_usage(scope, now=clock()),
            "background_percent": measure_background_percent(scope),
            "page_name": name_quotas([scope.key])[scope.key],
            "spenders": _find_spenders(scope)[:SPENDERS_SHOWN],
        }

    @staff.display(description="quota", ordering="key")
    def quota_name(self, scope: Any) -> str:
        return str(scope.shown_name)

    @staff.display(description="used")
    def usage_bar(self, scope: QuotaState) -> str:
        return render_to_string(
            "console/gauge.html", {"gauge": measure_quota_usage(scope, now=clock())}
        )

    @staff.display(description="allowed")
    def allowance(self, scope: QuotaState) -> str:
        return measure_quota_usage(scope, now=clock()).label

    @staff.display(description="next call")
    def next_call_time(self, scope: QuotaState) -> str:
        return render_to_string(
            "console/next_call.html", {"gauge": measure_quota_usage(scope, now=clock())}
        )
