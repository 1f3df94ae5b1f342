"""Admin of inbound messages: each request with its verdict, its items and their results."""

import zlib
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from connectors.registry import CONNECTORS
from connectors.webhook_sources import MAX_PASTED_LENGTH
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.incoming.insight.figures import CHART_PARTS, list_source_figures, measure_inbox
from hub.incoming.insight.outcomes import load_outcomes
from hub.incoming.insight.pasted_requests import (
    select_testable_connections,
    verify_pasted_request,
)
from hub.incoming.insight.rows import (
    describe_cause,
    describe_remedy,
    readable_items,
)
from hub.incoming.models import InboundBody, InboundMessage
from hub.incoming.receiving.retry_window import find_retry_end
from hub.outgoing.insight.bodies import DisplayBody, build_display_body
from hub.staff import (
    ActionForm,
    ChoicesFilter,
    EmptyStep,
    OwnConnectorFilter,
    SinceFilter,
    display,
    render_badge,
    render_time,
)
from tenants.admin.read_only_admin import ReadOnlyAdmin
from tenants.admin.tenant_filter import TenantFilter
from tenants.scoping import accessible_tenants

COUNT_LIMIT = 1000  # rows of a kind that are counted
ITEMS_LIMIT = 100  # items of one message on its page


class ConnectionField(forms.ModelChoiceField):
    def label_from_instance(self, connection: Connection) -> str:
        return f"{connection} · {connection.tenant.name if connection.tenant else ''}"


class PastedRequestForm(ActionForm):
    connection = ConnectionField(
        queryset=Connection.unscoped.none(),
        help_text="Its settings say how the sender signs, and its secret verifies the request.",
    )
    request = forms.CharField(
        max_length=MAX_PASTED_LENGTH,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false"}),
        help_text="The headers, an empty line and the body, as the sender shows them. The request "
        "is not stored.",
    )

    def __init__(self, *args: Any, connections: QuerySet[Connection], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["connection"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = connections


@admin.register(InboundMessage)
class InboundMessageAdmin(ReadOnlyAdmin):
    list_title = "Requests"
    empty_text = (
        "Every HTTP request of another system is kept here with its verdict. None has "
        "arrived; you can test how one would be judged."
    )
    empty_step = EmptyStep(
        "Test a request", "admin:incoming_inboundmessage_test", "incoming.view_inboundmessage"
    )
    page_template = "incoming/message.html"
    live_template = "incoming/message_live.html"

    list_display = ("verdict", "cause_text", "source", "customer", "request_size", "age")
    list_filter = (("state", ChoicesFilter), OwnConnectorFilter, TenantFilter, SinceFilter)
    list_select_related = ("tenant", "connection")
    list_display_links = ("verdict", "cause_text")
    search_fields = ("public_id",)
    search_help_text = "The id of a request; exact"
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("tenant", "connection")

    def get_urls(self) -> list[Any]:
        views = {"sources": self.sources_view, "test": self.test_view}
        return [
            *(
                path(
                    f"{name}/",
                    self.admin_site.admin_view(view),
                    name=f"incoming_inboundmessage_{name}",
                )
                for name, view in views.items()
            ),
            *super().get_urls(),
        ]

    def sources_view(self, request: HttpRequest) -> HttpResponse:
        """Show what each system sent in the last day, and the backlog of the inbox."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        tenants = accessible_tenants(request.user)
        return self.page(
            request,
            "incoming/sources.html",
            title="Requests by system",
            media=self.media,
            sources=list_source_figures(tenants, now=clock()),
            parts=CHART_PARTS,
            health=measure_inbox(tenants, limit=COUNT_LIMIT),
        )

    @method_decorator(sensitive_post_parameters("request"))
    def test_view(self, request: HttpRequest) -> HttpResponse:
        """Show how a pasted request would be processed; nothing is stored."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        connections = select_testable_connections(request.user)  # type: ignore[arg-type]  # staff
        form = PastedRequestForm(request.POST or None, connections=connections)
        result = _test_pasted_request(form) if form.is_valid() else {}
        return self.page(
            request,
            "incoming/test_request.html",
            title="Test a request",
            media=self.media + form.media,
            form=form,
            **result,
        )

    # --- columns ---

    @display(description="verdict")
    def verdict(self, message: InboundMessage) -> str:
        return render_badge(message.state)

    @display(description="cause")
    def cause_text(self, message: InboundMessage) -> str:
        return describe_cause(message.cause) if message.cause else "verified"

    @display(description="received from")
    def source(self, message: InboundMessage) -> str:
        return str(message.connection or _connector_label(message))

    @display(description="tenant")
    def customer(self, message: InboundMessage) -> str:
        return message.tenant.name if message.tenant else "all tenants"

    @display(description="size")
    def request_size(self, message: InboundMessage) -> str:
        return f"{message.size:,} bytes"

    @display(description="received")
    def age(self, message: InboundMessage) -> str:
        return render_time(message.received_at)

    # --- its page ---

    def title_of(self, message: InboundMessage) -> str:
        return f"Webhook of {message.connection or _connector_label(message)}"

    def live_context(self, message: InboundMessage, *, now: datetime) -> dict[str, Any]:
        items = readable_items().filter(message=message).order_by("position", "pk")
        outcomes = load_outcomes(items, limit=ITEMS_LIMIT)
        return {
            "verdict": describe_cause(message.cause) if message.cause else "",
            "remedy": describe_remedy(message.cause) if message.cause else "",
            "retries_until": find_retry_end(message) if message.cause else None,
            "outcomes": outcomes,
            "ended": message.due_at is None and all(entry.is_final for entry in outcomes),
        }

    def page_context(self, request: HttpRequest, message: InboundMessage) -> dict[str, Any]:
        return {
            "body": _load_body(message),
            "connector": _connector_label(message),
        }


def _test_pasted_request(form: PastedRequestForm) -> dict[str, Any]:
    """Return the verdict on the request in a valid form, with the exact cause of a rejection."""
    connection = form.cleaned_data["connection"]
    check = verify_pasted_request(connection, form.cleaned_data["request"], now=clock())
    cause = str(check.verdict.cause or "") if check.verdict else ""
    return {
        "check": check,
        "verdict": describe_cause(cause) if cause else "",
        "remedy": describe_remedy(cause),
        "connector_key": connection.connector_key,
    }


def _connector_label(message: InboundMessage) -> str:
    connector = CONNECTORS.get(message.connector_key)
    return str(connector.label) if connector else message.connector_key


def _load_body(message: InboundMessage) -> DisplayBody | None:
    stored = InboundBody.objects.filter(pk=message.pk).first()
    return build_display_body(zlib.decompress(bytes(stored.body))) if stored else None
