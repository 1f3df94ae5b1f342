"""Buttons on the page of an admin row: permitted, audited POSTs that are done or rejected."""

import secrets
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied, ValidationError
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
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from hub import egress
from hub.actions import Action, ActionForm, Actions, ShownOnce, Text, list_offered
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.db.state_machine import InvalidTransition
from hub.problems import Refusal, as_refusal
from hub.staff.forms import AuditReasonForm, build_staff_form
from hub.staff.mfa_gate import reauthentication_redirect

if TYPE_CHECKING:
    from django.contrib.admin.options import ModelAdmin as AdminBase
else:
    AdminBase = object


class ActionRejected(Refusal):
    """An action of staff was rejected. `context` is passed to the form's page."""

    def __init__(self, message: str, **context: Any) -> None:
        super().__init__(message)
        self.context = context


@dataclass(frozen=True)
class ActionResult:
    """The message for the user. `page`, if set, replaces the row's own page."""

    detail: str
    succeeded: bool = True
    page: HttpResponse | None = None


@dataclass(frozen=True)
class RowAction:
    """A button of a row. `run` is the method that performs it."""

    label: Text
    icon: str
    is_available: Callable[[Any], bool]  # whether the button is shown
    form: Callable[..., ActionForm] | None  # asks for data on a page of its own
    question: Text  # a sentence above the form
    permission: str
    tone: str  # primary, plain or danger
    is_atomic: bool = True
    is_sensitive: bool = False  # whether it requires a recent login
    caution: Text = ""  # what makes it dangerous for this row
    run: Callable[..., ActionResult] | None = None


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
    the form's cleaned data. It runs in one transaction with its audit row; an action that uses the
    network sets `atomic=False`. A `sensitive` action requires a recent login.
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
    """A mixin of ModelAdmin: declared actions, and the methods that `row_actions` names, are
    buttons on a row's page.
    """

    declared_actions: ClassVar[Actions] = {}
    row_actions: ClassVar[tuple[str, ...]] = ()
    audited_as = ""  # the prefix of its verbs in the audit; empty: the name of the model
    change_form_outer_before_template = "console/verbs.html"
    model: type[models.Model]
    admin_site: Any
    call = staticmethod(egress.send_request)

    def audit_verb(self, name: str) -> str:
        return f"{self.audited_as or self.model._meta.model_name}.{name}"

    def audit_action(
        self,
        request: HttpRequest,
        name: str,
        instance: models.Model,
        *,
        now: datetime,
        **changes: Any,
    ) -> None:
        """Audit an action that calls no service function."""
        audit_staff_action(request, self.audit_verb(name), instance, now=now, **changes)

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

    def list_action_names(self) -> list[str]:
        declared = list_offered(self.declared_actions, "staff")
        return [*(action.name for action in declared), *self.row_actions]

    def list_row_actions(self, instance: Any) -> dict[str, RowAction]:
        """Return the actions on a row by name, also those that are not available now."""
        declared = {
            action.name: self.build_row_action(action, instance)
            for action in list_offered(self.declared_actions, "staff")
        }
        methods = {name: getattr(self, name) for name in self.row_actions}
        own = {name: replace(method.row_action, run=method) for name, method in methods.items()}
        return declared | own

    def build_row_action(self, action: Action[Any], instance: Any) -> RowAction:
        """Return the button of a declared action, which a page asks for if it needs data or a
        reason, or is dangerous.
        """

        @sensitive_variables("result", "once")
        def run(
            request: HttpRequest, instance: Any, data: dict[str, Any], *, now: datetime
        ) -> ActionResult:
            result = action.perform(
                instance,
                ActorContext.of_request(request),
                data,
                call=self.call,
                random=secrets.SystemRandom(),
                now=now,
            )
            url = self.change_url(result) if self.shows_result(request, action, result) else ""
            if action.removes:
                url = reverse(
                    f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist"
                )
            page: HttpResponse | None = HttpResponseRedirect(url) if url else None
            if once := action.show_once(result):
                page = self.render_once(request, once, back=self.change_url(instance))
            text, succeeded = action.describe_success(result), action.is_success(result)
            return ActionResult(text, succeeded=succeeded, page=page)

        caution = action.find_caution(instance)
        form = action.form or (ActionForm if action.tone == "danger" else None)
        return RowAction(
            action.find_button_label(instance),
            action.icon,
            action.is_available,
            AuditReasonForm
            if action.asks_reason(instance)
            else form and partial(build_staff_form, form),
            action.question,
            action.permission,
            "danger" if caution else action.tone,
            is_atomic=action.is_atomic,
            is_sensitive="staff" in action.recent_login_at,
            caution=caution,
            run=run,
        )

    def render_once(self, request: HttpRequest, once: ShownOnce, *, back: str) -> HttpResponse:
        return self.page(
            request,
            "console/shown_once.html",
            once=once,
            title=once.title,
            text=once.text,
            back=back,
        )

    def shows_result(self, request: HttpRequest, action: Action[Any], result: Any) -> bool:
        """Return whether the page of a new row follows, which the user may see."""
        if not action.creates:
            return False
        meta = result._meta
        return request.user.has_perm(f"{meta.app_label}.view_{meta.model_name}")

    def action_buttons(self, request: HttpRequest, instance: Any) -> list[dict[str, Any]]:
        suggested = self.suggested_action(instance)
        return [
            {
                "name": name,
                "verb": action,
                "url": self.action_url(instance, name),
                "asks": action.form is not None,
                "tone": "primary" if name == suggested else action.tone,
            }
            for name, action in self.list_row_actions(instance).items()
            if action.is_available(instance) and self.can_run(request, action, instance)
        ]

    def action_url(self, instance: models.Model, name: str) -> str:
        meta = self.model._meta
        return reverse(
            f"{self.admin_site.name}:{meta.app_label}_{meta.model_name}_verb",
            args=[quote(instance.pk), name],
        )

    def change_url(self, instance: models.Model) -> str:
        meta = instance._meta
        return reverse(
            f"{self.admin_site.name}:{meta.app_label}_{meta.model_name}_change",
            args=[quote(instance.pk)],
        )

    def can_run(self, request: HttpRequest, action: RowAction, instance: models.Model) -> bool:
        has_permission: Callable[..., bool] = getattr(self, f"has_{action.permission}_permission")
        return has_permission(request, instance)

    def action_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        instance = self.get_object(request, unquote(object_id))
        action = self.list_row_actions(instance).get(name) if instance is not None else None
        if instance is None or action is None:
            raise Http404(name)
        if not self.can_run(request, action, instance):
            raise PermissionDenied
        if action.is_sensitive and (redirect := reauthentication_redirect(request)):
            return redirect
        data = request.POST if request.method == "POST" else None
        form = action.form(data, obj=instance) if action.form else None
        if request.method != "POST":
            return (
                self.render_action_form(request, instance, action, form)
                if form
                else HttpResponseNotAllowed(["POST"])
            )
        if form and not form.is_valid():
            return self.render_action_form(request, instance, action, form)
        return self.run_action(request, instance, action, form)

    def run_action(
        self,
        request: HttpRequest,
        instance: models.Model,
        action: RowAction,
        form: ActionForm | None,
    ) -> HttpResponse:
        assert action.run is not None  # only the marks of methods have none
        now, data = clock(), form.cleaned_data if form else {}
        try:
            if not action.is_available(instance):
                raise ActionRejected(f"{action.label}: not possible in the current state.")
            with transaction.atomic() if action.is_atomic else nullcontext():
                result = action.run(request, instance, data, now=now)
        except (Refusal, ValidationError) as error:
            refusal = as_refusal(error)
            if form and not isinstance(refusal, InvalidTransition):
                field = form.field_names.get(refusal.field, refusal.field)
                form.add_error(field if field in form.fields else None, str(refusal))
                context = getattr(refusal, "context", {})
                return self.render_action_form(request, instance, action, form, **context)
            result = ActionResult(str(refusal), succeeded=False)
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
