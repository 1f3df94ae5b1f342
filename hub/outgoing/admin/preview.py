"""Try a route or a mapping on an event before it is saved: the form comes back with what would be made of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin import helpers
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from hub.clock import clock
from hub.connections.models import Connection
from hub.mappings.forms import TargetForm, action_of, manual, pretty, suggested_tenants
from hub.outgoing.admin.pages import ASSETS
from hub.outgoing.explain import words_of
from hub.outgoing.forms import SampleForm, draft_of, recent_events
from hub.outgoing.models import Event, EventBody
from hub.outgoing.rehearse import Rehearsal, rehearse
from tenants.models import Tenant

PATTERNS_MOST = 50


class PreviewMixin:
    """Before a ModelAdmin whose form is a TargetForm. The button *Try it* posts the form; nothing is saved."""

    change_form_template = "outgoing/tried_form.html"

    @property
    def media(self) -> Any:
        return super().media + ASSETS

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"user": request.user})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method == "POST" and ("_try" in request.POST or "_example" in request.POST):
            return self.try_view(request, object_id)
        row = self.get_object(request, unquote(object_id)) if object_id else None
        tenant = row.tenant if row else None
        sample = SampleForm(
            prefix="sample", events=recent_events(request.user, tenant=tenant, patterns=patterns_of(row))
        )
        return super().changeform_view(
            request, object_id, form_url, {**helps(request), "sample": sample, **(extra_context or {})}
        )

    def try_view(self, request: HttpRequest, object_id: str | None) -> HttpResponse:
        row = self.get_object(request, unquote(object_id)) if object_id else None
        if object_id and row is None:
            raise Http404(object_id)
        if not (self.has_change_permission(request, row) if row else self.has_add_permission(request)):
            raise PermissionDenied
        form = self.get_form(request, row, change=row is not None)(with_example(request), instance=row)
        form.is_valid()
        tenant = form.cleaned_data.get("tenant")
        typed = form.cleaned_data.get("event_type")
        patterns = [typed] if typed else patterns_of(row)
        sample = SampleForm(
            request.POST, prefix="sample", events=recent_events(request.user, tenant=tenant, patterns=patterns)
        )
        tried = trial_of(form, sample, now=clock()) if sample.is_valid() and "_try" in request.POST else None
        return self.form_again(request, row, form, {**helps(request), "sample": sample, "tried": tried})

    def form_again(self, request: HttpRequest, row: Any, form: TargetForm, extra: dict[str, Any]) -> HttpResponse:
        admin_form = helpers.AdminForm(
            form, list(self.get_fieldsets(request, row)), {}, self.get_readonly_fields(request, row), model_admin=self
        )
        context = {
            **self.admin_site.each_context(request),
            "title": f"Try {self.model._meta.verbose_name}",
            "subtitle": str(row) if row else None,
            "adminform": admin_form,
            "object_id": row and row.pk,
            "original": row,
            "is_popup": False,
            "media": self.media + admin_form.media,
            "inline_admin_formsets": [],
            "errors": helpers.AdminErrorList(form, []),
            "preserved_filters": self.get_preserved_filters(request),
            **extra,
        }
        return self.render_change_form(request, context, add=row is None, change=row is not None, obj=row)


def helps(request: HttpRequest) -> dict[str, Any]:
    return {"tenants": suggested_tenants(request.user), "functions": manual()}


def patterns_of(row: Any) -> Sequence[str]:
    """The event types of a route, or of the routes that a mapping is used by; any where there is none."""
    if row is None:
        return ("*",)
    if hasattr(row, "event_type"):
        return (row.event_type,)
    types = row.routes.order_by("pk").values_list("event_type", flat=True)
    return list(types[:PATTERNS_MOST]) or ("*",)


def with_example(request: HttpRequest) -> Any:
    """What was posted; asked for the example, with that of the chosen action in the mapping's place."""
    posted = request.POST
    if "_example" in posted and posted.get("target"):
        try:
            example = pretty(action_of(posted["target"]).example)
        except LookupError:  # the form says so
            return posted
        posted = posted.copy()
        posted["body"] = example
    return posted


@dataclass(frozen=True, slots=True)
class Trial:
    """One event through the form as it stands: what was made of it, or why nothing was."""

    event: str = ""
    trouble: str = ""
    rehearsal: Rehearsal | None = None
    sentence: str = ""


def trial_of(form: TargetForm, sample: SampleForm, *, now: datetime) -> Trial:
    draft = draft_of(form)
    if draft is None:
        return Trial(trouble="Mend the errors in action, filter or mapping first.")
    event, data = sample.chosen(), sample.cleaned_data["data"]
    if data is not None:
        event = made_up(form, event, now=now)
    elif event is None:
        return Trial(trouble="There is no event of this type yet: paste data of your own.")
    elif (kept := EventBody.objects.filter(pk=event.pk).first()) is None:
        return Trial(trouble="The body of this event is no longer kept: choose a newer one.")
    else:
        data = json.loads(bytes(kept.body))["data"]
    document = event.document(event.tenant, data)
    rehearsal = rehearse(draft, document, event.tenant, connection_for(form, event))
    reason = rehearsal.reason
    sentence = words_of(reason, form.instance.connector_key).sentence if reason else would_go(rehearsal)
    return Trial(f"{event.type} {event.sender_id}", "", rehearsal, sentence)


def would_go(rehearsal: Rehearsal) -> str:
    if rehearsal.gaps:
        return "It would be sent, but not all that the mapping asks for was found in this event."
    return "It would be sent, with this body."


def made_up(form: TargetForm, like: Event | None, *, now: datetime) -> Event:
    """An event that the form is meant for, as far as it says, otherwise much like a real one."""
    pattern = form.cleaned_data.get("event_type") or (like and like.type) or "example"
    tenant = form.cleaned_data.get("tenant") or (like and like.tenant) or Tenant(name="Example", reference="example")
    type = pattern.replace("*", "example")
    return Event(tenant=tenant, type=type, sender_id="with data of your own", occurred_at=now)


def connection_for(form: TargetForm, event: Event) -> Connection | None:
    """Where identities are looked up: the route's connection, or the tenant's first at this system."""
    chosen = form.cleaned_data.get("connection")
    if chosen or event.tenant.pk is None:
        return chosen
    return Connection.objects.of(event.tenant).filter(connector_key=form.instance.connector_key).order_by("pk").first()
