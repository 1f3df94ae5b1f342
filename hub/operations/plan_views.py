"""The admin pages on which staff plan an operation on many rows: their list, and the plan."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.operations.forms import SelectionPlanForm
from hub.operations.models import Operation
from hub.staff.filters import TIME_SPANS
from tenants.admin.read_only_admin import FRAME, ReadOnlyAdmin
from tenants.forms import list_suggested_tenants

if TYPE_CHECKING:
    from hub.staff import ModelAdmin as AdminBase
else:
    AdminBase = object


class PlanningListMixin(AdminBase):
    """Mixin of a list: plans an operation for the selected rows, or for all that the list shows."""

    planning_url: str  # the URL name of the page of the plan
    plan_filters: ClassVar[Mapping[str, str]]  # its fields, by the filters of the list
    plan_ids_field: str  # its field with the selected rows

    actions = ("plan_for_selected",)

    def can_plan(self, request: HttpRequest) -> bool:
        raise NotImplementedError

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return super().get_actions(request) if self.can_plan(request) else {}

    def build_planning_url(self, query: Mapping[str, Any]) -> str:
        return f"{reverse(self.planning_url)}?{urlencode(query, doseq=True)}"

    def build_planning_url_of_list(self, request: HttpRequest) -> str:
        """Return the URL that plans an operation for all rows of the list; "" if that is not
        allowed, or a search or filter narrows the list that the plan does not have.
        """
        inexpressible = {"q", "since"} - self.plan_filters.keys()
        if not self.can_plan(request) or any(map(request.GET.get, inexpressible)):
            return ""
        names = self.plan_filters.items()
        query = {field: request.GET[name] for name, field in names if request.GET.get(name)}
        if query.get("since") in TIME_SPANS:
            query["since"] = f"{clock() - TIME_SPANS[query['since']][1]:%Y-%m-%d %H:%M:%S}"
        return self.build_planning_url(query)

    def redirect_to_plan(self, request: HttpRequest, rows: QuerySet) -> HttpResponse:
        """Redirect to the plan for the selected rows, or for all of the list."""
        is_for_all = request.POST.get("select_across") == "1"
        url = self.build_planning_url_of_list(request) if is_for_all else ""
        if not url:
            ids = rows.values_list("public_id", flat=True)[: self.list_per_page]
            query = {self.plan_ids_field: " ".join(str(id) for id in ids)}
            if request.GET.get("tenant"):
                query["tenant"] = request.GET["tenant"]
            url = self.build_planning_url(query)
        return HttpResponseRedirect(url)


class PlanViews(ReadOnlyAdmin):
    """The page with the form of a plan, at `plan_path`, before that of the operation it creates."""

    plan_path: str
    plan_title: str
    plan_template: str
    plan_form: type[SelectionPlanForm]
    plan_list: str  # the URL name of the list of the rows

    def can_plan(self, request: HttpRequest) -> bool:
        raise NotImplementedError

    def plan_operation(self, form: Any, actor: ActorContext, *, now: datetime) -> Operation:
        """Create the operation that a valid form describes."""
        raise NotImplementedError

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.plan_view)
        return [
            path(self.plan_path, view, name=self.build_url_name("plan")),
            *super().get_urls(),
        ]

    def plan_view(self, request: HttpRequest) -> HttpResponse:
        if not self.can_plan(request):
            raise PermissionDenied
        form = self.plan_form(request.POST or None, initial=request.GET.dict(), user=request.user)
        if request.method == "POST" and form.is_valid():
            operation = self.plan_operation(form, ActorContext.of_request(request), now=clock())
            url = reverse("admin:operations_operation_change", args=[operation.pk])
            return HttpResponseRedirect(url)
        context = {
            "title": self.plan_title,
            "frame_template": FRAME,
            "action_url": request.path,
            "form": form,
            "selected": form.selected_count,
            "list_url": reverse(self.plan_list),
            "lacks_precondition": True,  # of some system
            "media": self.media,
            "tenants": list_suggested_tenants(request.user),
        }
        return self.page(request, self.plan_template, **context)
