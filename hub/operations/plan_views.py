"""The admin page on which staff plan an operation on many rows."""

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.operations.forms import SelectionPlanForm
from hub.operations.models import Operation
from tenants.admin.read_only_admin import FRAME, ReadOnlyAdmin
from tenants.forms import list_suggested_tenants


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
