"""Buttons on the page of an admin row: permitted, audited POSTs that are done or rejected."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.debug import sensitive_post_parameters

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.db.state_machine import InvalidTransition
from hub.staff.forms import ActionForm
from hub.staff.mfa_gate import reauthentication_redirect

if TYPE_CHECKING:
    from django.contrib.admin.options import ModelAdmin as AdminBase
else:
    AdminBase = object


class ActionRejected(Exception):
    """The action was rejected; its message is the reason. `context` goes to the form's page."""

    def __init__(self, message: str, **context: Any) -> None:
        super().__init__(message)
        self.context = context


@dataclass(frozen=True)
class ActionResult:
    """The message for the user, and what is audited. `page`, if set, replaces the row's own page.

    `is_audited`: the service function has written the audit row.
    """

    detail: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    succeeded: bool = True
    page: HttpResponse | None = None
    is_audited: bool = False


@dataclass(frozen=True)
class RowAction:
    label: str
    icon: str
    is_available: Callable[[Any], bool]  # whether the button is shown
    form: Callable[..., ActionForm] | None  # asks for data on a page of its own
    question: str  # a sentence above the form
    permission: str
    tone: str  # primary, plain or danger
    is_atomic: bool
    is_sensitive: bool  # whether it requires a recent login


def row_action(
    label: str,
    *,
    icon: str = "",
    is_available: Callable[[Any], bool] = lambda row: True,
    form: Callable[..., ActionForm] | None = None,
    question: str = "",
    permission: str = "change",
    tone: str = "plain",
    atomic: bool = True,
    sensitive: bool = False,
) -> Callable[[Any], Any]:
    """Mark a method of a ModelAdmin as a button of a row's page.

    Its signature is `def pause(self, request, instance, data, *, now) -> ActionResult`; `data` is
    the form's cleaned data. The action and its audit row share one transaction; an action that uses
    the network sets `atomic=False`. A `sensitive` action requires a recent login.
    """

    def mark(function: Any) -> Any:
        function.row_action = RowAction(
            label, icon, is_available, form, question, permission, tone, atomic, sensitive
        )
        return function

    return mark


def audit_staff_action(
    request: HttpRequest,
    verb: str,
    obj: models.Model,
    *,
    now: datetime | None = None,
    **changes: Any,
) -> None:
    """Audit what a form of the admin changed, or an action that calls no service function."""
    ActorContext.of_request(request).audit(verb, obj, now=now or clock(), **changes)


class RowActionsMixin(AdminBase):
    """A mixin of ModelAdmin: the methods that `row_actions` names are buttons on a row's page."""

    row_actions: ClassVar[tuple[str, ...]] = ()
    audited_as = ""  # the prefix of its verbs in the audit; empty: the name of the model
    change_form_outer_before_template = "console/verbs.html"
    model: type[models.Model]
    admin_site: Any

    def audit_verb(self, name: str) -> str:
        return f"{self.audited_as or self.model._meta.model_name}.{name}"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(sensitive_post_parameters()(self.action_view))
        name = f"{self.model._meta.app_label}_{self.model._meta.model_name}_verb"
        return [path("<path:object_id>/verbs/<slug:name>/", view, name=name), *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        instance = self.get_object(request, unquote(object_id)) if object_id else None
        context = (
            {}
            if instance is None
            else {
                "buttons": self.action_buttons(request, instance),
                **self.page_context(request, instance),
            }
        )
        return super().changeform_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )

    def page_context(self, request: HttpRequest, instance: Any) -> dict[str, Any]:
        """Return additional context for the page of a row."""
        return {}

    def suggested_action(self, instance: Any) -> str:
        """Return the name of the action that is the next step; empty if there is none."""
        return ""

    def action_buttons(self, request: HttpRequest, instance: Any) -> list[dict[str, Any]]:
        actions = {name: getattr(self, name).row_action for name in self.row_actions}
        suggested = self.suggested_action(instance)
        return [
            {
                "name": name,
                "verb": action,
                "url": self.action_url(instance, name),
                "asks": action.form is not None,
                "tone": "primary" if name == suggested else action.tone,
            }
            for name, action in actions.items()
            if action.is_available(instance) and self.can_run(request, action, instance)
        ]

    def action_url(self, instance: models.Model, name: str) -> str:
        meta = self.model._meta
        return reverse(
            f"{self.admin_site.name}:{meta.app_label}_{meta.model_name}_verb",
            args=[quote(instance.pk), name],
        )

    def change_url(self, instance: models.Model) -> str:
        meta = self.model._meta
        return reverse(
            f"{self.admin_site.name}:{meta.app_label}_{meta.model_name}_change",
            args=[quote(instance.pk)],
        )

    def can_run(self, request: HttpRequest, action: RowAction, instance: models.Model) -> bool:
        has_permission: Callable[..., bool] = getattr(self, f"has_{action.permission}_permission")
        return has_permission(request, instance)

    def action_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        instance = self.get_object(request, unquote(object_id))
        if instance is None or name not in self.row_actions:
            raise Http404(name)
        action = getattr(self, name).row_action
        if not self.can_run(request, action, instance):
            raise PermissionDenied
        if action.is_sensitive and (redirect := reauthentication_redirect(request)):
            return redirect
        form = action.form(request.POST or None, obj=instance) if action.form else None
        if request.method != "POST":
            return (
                self.render_action_form(request, instance, action, form)
                if form
                else HttpResponseNotAllowed(["POST"])
            )
        if form and not form.is_valid():
            return self.render_action_form(request, instance, action, form)
        return self.run_action(request, instance, name, form)

    def run_action(
        self, request: HttpRequest, instance: models.Model, name: str, form: ActionForm | None
    ) -> HttpResponse:
        method, now, data = getattr(self, name), clock(), form.cleaned_data if form else {}
        try:
            if not method.row_action.is_available(instance):
                raise ActionRejected(
                    f"{method.row_action.label}: not possible in the current state."
                )
            with transaction.atomic() if method.row_action.is_atomic else nullcontext():
                result = method(request, instance, data, now=now)
                if not result.is_audited:
                    changes = {
                        "reason": data.get("reason", ""),
                        "before": result.before,
                        "after": result.after,
                    }
                    audit_staff_action(request, self.audit_verb(name), instance, now=now, **changes)
        except ActionRejected as rejection:
            if form:
                form.add_error(None, str(rejection))
                return self.render_action_form(
                    request, instance, method.row_action, form, **rejection.context
                )
            result = ActionResult(str(rejection), succeeded=False)
        except InvalidTransition:
            result = ActionResult(
                "The state has changed in the meantime. Reload the page.", succeeded=False
            )
        (messages.success if result.succeeded else messages.warning)(request, result.detail)
        return result.page or HttpResponseRedirect(self.change_url(instance))

    def render_action_form(
        self,
        request: HttpRequest,
        instance: models.Model,
        action: RowAction,
        form: ActionForm,
        **context: Any,
    ) -> HttpResponse:
        title = f"{action.label}: {instance}"
        return self.page(
            request,
            "console/verb.html",
            title=title,
            original=instance,
            verb=action,
            form=form,
            back=self.change_url(instance),
            **context,
        )

    def page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        """Render a page in the admin's frame; `admin_view` prevents that browsers cache it."""
        request.current_app = self.admin_site.name
        context = {**self.admin_site.each_context(request), "opts": self.model._meta, **context}
        return TemplateResponse(request, template, context)
