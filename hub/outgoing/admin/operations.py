"""Work on many deliveries: choose and plan, confirm, watch it run, cancel it, read what it did."""

from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse

from hub.clock import clock
from hub.operations import start
from hub.operations.models import Operation
from hub.operations.start import Hand, Refused
from hub.outgoing import bulk
from hub.outgoing.admin.lists import SPANS
from hub.outgoing.admin.pages import ReadingAdmin
from hub.outgoing.admin.planning import PlanForm
from hub.outgoing.models import Delivery
from hub.staff import Declined, Done, badge, display, moment, number, span, verb

SENTENCES = {
    "planned": "Nothing is done yet. Read the plan, then run it.",
    "running": "It runs.",
    "finished": "It is done.",
    "cancelled": "It was cancelled; what was done stays done.",
    "failed": "A fault of the hub stopped it; what was done stays done.",
}
WAYS = ("state", "reason", "connector", "tenant")  # of the list of deliveries, in the same words


def planning_url(asked: dict[str, Any]) -> str:
    return f"{reverse('admin:operations_operation_plan')}?{urlencode(asked, doseq=True)}"


def url_for_all(request: HttpRequest) -> str:
    """Where all that the list shows now can be worked on; empty where a search narrows it, which is no filter."""
    if request.GET.get("q"):
        return ""
    asked = {name: request.GET[name] for name in WAYS if request.GET.get(name)}
    if request.GET.get("since") in SPANS:
        asked["since"] = f"{clock() - SPANS[request.GET['since']][1]:%Y-%m-%d %H:%M:%S}"
    return planning_url(asked)


@admin.register(Operation)
class OperationAdmin(ReadingAdmin):
    page_template = "outgoing/operation.html"
    live_template = "outgoing/operation_live.html"
    verbs = ("confirm", "cancel")

    list_display = ("shown_state", "what", "customer", "rows", "reason", "who", "age")
    list_select_related = ("tenant",)
    list_display_links = ("shown_state", "what")
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("tenant")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.plan_view)
        return [path("plan/", view, name="operations_operation_plan"), *super().get_urls()]

    # --- columns ---

    @display(description="state")
    def shown_state(self, operation: Operation) -> str:
        return badge(operation.state)

    @display(description="what")
    def what(self, operation: Operation) -> str:
        return bulk.LABELS[operation.kind]

    @display(description="tenant")
    def customer(self, operation: Operation) -> str:
        return operation.tenant.name if operation.tenant else "all"

    @display(description="rows done")
    def rows(self, operation: Operation) -> str:
        return f"{number(operation.processed_count)} of {counted(operation)}"

    @display(description="by")
    def who(self, operation: Operation) -> str:
        return operation.actor_label

    @display(description="planned")
    def age(self, operation: Operation) -> str:
        return moment(operation.planned_at)

    # --- its page ---

    def title_of(self, row: Any) -> str:
        return f"{bulk.LABELS[row.kind]} {counted(row)} deliveries"

    def live_context(self, row: Any, *, now: datetime) -> dict[str, Any]:
        left = row.seconds_left(now=now)
        return {
            "sentence": "This plan is too old to be run. Plan again." if row.expired(now=now) else SENTENCES[row.state],
            "counted": counted(row),
            "left": span(timedelta(seconds=left)) if left is not None else "",
            "took": span(row.finished_at - row.started_at) if row.finished_at and row.started_at else "",
            "ended": row.state != "running",
        }

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        sample = [entry["id"] for entry in row.facts["sample"]]
        rows = {str(one.public_id): one for one in Delivery.unscoped.filter(public_id__in=sample)}
        return {
            "kind": bulk.LABELS[row.kind],
            "asked": [(name.replace("_", " "), told(name, value)) for name, value in sorted(row.filter.items())],
            "oldest": datetime.fromisoformat(row.facts["oldest"]) if row.facts["oldest"] else None,
            "lasts": span(timedelta(seconds=row.facts["seconds"])) if row.facts["seconds"] else "",
            "samples": [(entry, rows.get(entry["id"])) for entry in row.facts["sample"]],
        }

    # --- what can be done ---

    def first_verb(self, row: Any) -> str:
        return "confirm"

    @verb("Run it", icon="play_arrow", when=lambda row: row.state == "planned" and row.count)
    def confirm(self, request: HttpRequest, row: Any, said: dict[str, Any], *, now: datetime) -> Done:
        try:
            start.confirm(row, Hand.of_staff(request), now=now)
        except Refused as refused:
            raise Declined(str(refused)) from None
        return Done("It runs.", told=True)

    @verb("Cancel", icon="close", when=lambda row: not row.ended, tone="danger")
    def cancel(self, request: HttpRequest, row: Any, said: dict[str, Any], *, now: datetime) -> Done:
        start.cancel(row, Hand.of_staff(request), now=now)
        return Done("It is cancelled.", told=True)

    # --- planning ---

    def plan_view(self, request: HttpRequest) -> HttpResponse:
        if not self.may_plan(request):
            raise PermissionDenied
        form = PlanForm(request.POST or None, initial=request.GET.dict(), user=request.user)
        if request.method == "POST" and form.is_valid():
            said = form.cleaned_data
            operation = bulk.plan(
                said["kind"],
                form.filter,
                tenant=said["tenant"],
                reason=said["why"],
                hand=Hand.of_staff(request),
                now=clock(),
            )
            return HttpResponseRedirect(self.row_url(operation))
        context = {"title": "Work on many deliveries", "form": form, "media": self.media}
        return self.page(request, "outgoing/plan.html", **context)

    def may_plan(self, request: HttpRequest) -> bool:
        return request.user.has_perm("outgoing.change_delivery")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self.may_plan(request)


def counted(operation: Operation) -> str:
    return f"more than {operation.count:,}" if operation.more else f"{operation.count:,}"


def told(name: str, value: Any) -> str:
    if name in ("since", "until", "stopped_since"):
        return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M:%S} UTC"
    return f"{len(value):,} selected" if isinstance(value, list) else str(value)
