"""Dry run of the form of a route with an event, before it is saved."""

from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin import helpers
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict

from connectors.http import load_json
from hub.db.clock import clock
from hub.mappings.forms import find_target_action, list_function_help
from hub.mappings.json_fields import format_json_text
from hub.outgoing.forms.event_forms import SampleForm, build_sample_event, recent_events
from hub.outgoing.forms.route_form import RouteForm
from hub.outgoing.insight.dry_run import DryRun, dry_run_draft, find_trial_connection
from hub.outgoing.insight.explain import describe_delivery_reason
from hub.outgoing.models import EventBody
from hub.staff import ModelAdmin
from tenants.admin.read_only_admin import PAGE_ASSETS
from tenants.forms import list_suggested_tenants

DRAFT_BUTTONS = {"_try", "_example"}  # whose requests store nothing


class PreviewMixin(ModelAdmin):
    """Mixin of the routes' ModelAdmin: *Try it* posts the form, and nothing is saved."""

    change_form_template = "outgoing/route_form.html"

    @property
    def media(self) -> Any:
        return super().media + PAGE_ASSETS

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"user": request.user})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method == "POST" and request.POST.keys() & DRAFT_BUTTONS:
            return self.try_view(request, object_id)
        obj = self.get_object(request, unquote(object_id)) if object_id else None
        tenant = obj.tenant if obj else None
        sample = SampleForm(
            prefix="sample",
            events=recent_events(
                request.user,
                tenant=tenant,
                patterns=(obj.event_type if obj else "*",),
                origin=obj.origin_connector_key if obj else None,
            ),
        )
        context = {**_build_form_help(request), "sample": sample, **(extra_context or {})}
        if request.method == "POST":
            self._compile_posted(request, obj)
        response: HttpResponse = super().changeform_view(request, object_id, form_url, context)
        return response

    def _compile_posted(self, request: HttpRequest, obj: Any) -> None:
        """Validate the form before the transaction of the page, in which others cannot write: what
        was compiled here is not compiled there.
        """
        form_class = self.get_form(request, obj, change=obj is not None)
        form_class(request.POST, instance=copy(obj)).is_valid()

    def try_view(self, request: HttpRequest, object_id: str | None) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id)) if object_id else None
        if object_id and obj is None:
            raise Http404(object_id)
        if not (
            self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        ):
            raise PermissionDenied
        form = self.get_form(request, obj, change=obj is not None)(
            _fill_in_example(request), instance=obj
        )
        form.is_valid()
        tenant = form.cleaned_data.get("tenant")
        event_type = form.cleaned_data.get("event_type") or (obj.event_type if obj else "*")
        sample = SampleForm(
            request.POST,
            prefix="sample",
            events=recent_events(
                request.user,
                tenant=tenant,
                patterns=(event_type,),
                origin=form.cleaned_data.get("origin_connector_key"),
            ),
        )
        trial = (
            _try_form(form, sample, now=clock())
            if sample.is_valid() and "_try" in request.POST
            else None
        )
        return self.render_form_again(
            request, obj, form, {**_build_form_help(request), "sample": sample, "tried": trial}
        )

    def render_form_again(
        self, request: HttpRequest, obj: Any, form: RouteForm, extra: dict[str, Any]
    ) -> HttpResponse:
        fieldsets: list[Any] = list(self.get_fieldsets(request, obj))
        admin_form = helpers.AdminForm(
            form,
            fieldsets,
            {},
            self.get_readonly_fields(request, obj),
            model_admin=self,
        )
        context = {
            **self.admin_site.each_context(request),
            "title": f"Try {self.model._meta.verbose_name}",
            "subtitle": str(obj) if obj else None,
            "adminform": admin_form,
            "object_id": obj and obj.pk,
            "original": obj,
            "is_popup": False,
            "media": self.media + admin_form.media,
            "inline_admin_formsets": [],
            "errors": helpers.AdminErrorList(form, []),
            "preserved_filters": self.get_preserved_filters(request),
            **extra,
        }
        response: HttpResponse = self.render_change_form(
            request, context, add=obj is None, change=obj is not None, obj=obj
        )
        return response


def _build_form_help(request: HttpRequest) -> dict[str, Any]:
    return {"tenants": list_suggested_tenants(request.user), "functions": list_function_help()}


def _fill_in_example(request: HttpRequest) -> Any:
    """Return the posted data, with the example of the action as the mapping if it was requested."""
    posted: QueryDict = request.POST
    if "_example" in posted and posted.get("target"):
        try:
            example = format_json_text(find_target_action(str(posted["target"])).example)
        except LookupError:  # the form says so
            return posted
        changed = posted.copy()
        changed["body"] = example
        return changed
    return posted


@dataclass(frozen=True, slots=True)
class Trial:
    """A dry run of the form with one event, or the problem that prevents it."""

    event: str = ""
    problem: str = ""
    dry_run: DryRun | None = None
    sentence: str = ""


def _try_form(form: RouteForm, sample: SampleForm, *, now: datetime) -> Trial:
    draft = form.build_draft()
    if draft is None:
        return Trial(problem="Correct the errors in action, filter or mapping first.")
    event, data = sample.selected_event(), sample.cleaned_data["data"]
    if data is not None:
        tenant, pattern = form.cleaned_data.get("tenant"), form.cleaned_data.get("event_type", "")
        event = build_sample_event(tenant, event, pattern, now=now)
    elif event is None:
        return Trial(problem="There is no event of this type yet. Enter your own data.")
    elif (event_body := EventBody.objects.filter(pk=event.pk).first()) is None:
        return Trial(problem="The body of this event is no longer stored. Select a newer one.")
    else:
        data = load_json(bytes(event_body.body))["data"]
    document = event.build_document(event.tenant, data)
    connection = find_trial_connection(
        form.cleaned_data.get("connection"), event.tenant, form.instance.connector_key
    )
    dry_run = dry_run_draft(draft, document, event.tenant, connection)
    reason = dry_run.reason
    sentence = (
        describe_delivery_reason(reason, form.instance.connector_key).sentence
        if reason
        else _describe_success(dry_run)
    )
    return Trial(f"{event.type} {event.sender_id}", "", dry_run, sentence)


def _describe_success(dry_run: DryRun) -> str:
    if dry_run.gaps:
        return "It would be sent, but the event lacks values that the mapping reads."
    return "It would be sent, with this body."
