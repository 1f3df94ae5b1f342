"""What a person does to a row by a button: a POST, permitted, done or declined in words, and told to the audit."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.debug import sensitive_post_parameters

from hub import audit
from hub.clock import clock
from hub.staff.door import way_to_reauthenticate
from hub.staff.forms import Form
from hub.states import WrongState


class Declined(Exception):
    """It cannot be done; the sentence says why. Nothing was changed. `shown` goes to the form's page."""

    def __init__(self, sentence: str, **shown: Any) -> None:
        super().__init__(sentence)
        self.shown = shown


@dataclass(frozen=True)
class Done:
    """What the person reads, and what the audit keeps. `page` is shown instead of the row's own page.

    `told`: what was called has told the audit itself.
    """

    detail: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    well: bool = True
    page: HttpResponse | None = None
    told: bool = False


@dataclass(frozen=True)
class Verb:
    label: str
    icon: str
    when: Callable[[Any], bool]  # whether the button is there
    form: Callable[..., Form] | None  # what it asks first, on a page of its own
    asks: str  # a sentence above the form
    permission: str
    tone: str  # primary, plain or danger
    atomic: bool
    sensitive: bool  # whether it asks for a recent login


def verb(
    label: str,
    *,
    icon: str = "",
    when: Callable[[Any], bool] = lambda row: True,
    form: Callable[..., Form] | None = None,
    asks: str = "",
    permission: str = "change",
    tone: str = "plain",
    atomic: bool = True,
    sensitive: bool = False,
) -> Callable[[Any], Any]:
    """Marks `def pause(self, request, row, said, *, now) -> Done` of a ModelAdmin.

    `said` is what the form cleaned. It is done in one transaction with its audit row; a verb that uses the network
    says `atomic=False`. A `sensitive` one asks the person again who they are, unless they have just shown it.
    """

    def mark(function: Any) -> Any:
        function.verb = Verb(label, icon, when, form, asks, permission, tone, atomic, sensitive)
        return function

    return mark


def note(request: HttpRequest, what: str, obj: models.Model, *, now: datetime | None = None, **said: Any) -> None:
    """One audit row, with who, from where, and whose."""
    audit.record(
        actor=audit.Actor.of_user(request.user),
        verb=what,
        obj=obj,
        tenant=tenant_of(obj),
        request_id=getattr(request, "request_id", ""),
        ip=request.META.get("REMOTE_ADDR", ""),
        now=now or clock(),
        **said,
    )


def tenant_of(obj: Any) -> Any:
    """By the way that the model states; None where it is the platform's."""
    way = getattr(obj, "TENANT", "")
    if way == "pk":
        return obj
    for step in filter(None, way.split("__")):
        obj = getattr(obj, step, None)
    return obj if way else None


class VerbsMixin:
    """Before a ModelAdmin: `verbs` are the names of its methods that are buttons."""

    verbs: ClassVar[tuple[str, ...]] = ()
    audited_as = ""  # what its verbs begin with in the audit; empty: the name of the model
    change_form_outer_before_template = "console/verbs.html"
    model: type[models.Model]
    admin_site: Any

    def verb_of(self, name: str) -> str:
        return f"{self.audited_as or self.model._meta.model_name}.{name}"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(sensitive_post_parameters()(self.verb_view))
        name = f"{self.model._meta.app_label}_{self.model._meta.model_name}_verb"
        return [path("<path:object_id>/verbs/<slug:name>/", view, name=name), *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        row = self.get_object(request, unquote(object_id)) if object_id else None
        context = {} if row is None else {"buttons": self.buttons(request, row), **self.around(request, row)}
        return super().changeform_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def around(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the page of a row shows beside the form."""
        return {}

    def first_verb(self, row: Any) -> str:
        """The one that is the next step, if there is one."""
        return ""

    def buttons(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        known = {name: getattr(self, name).verb for name in self.verbs}
        first = self.first_verb(row)
        return [
            {
                "name": name,
                "verb": verb,
                "url": self.verb_url(row, name),
                "asks": verb.form is not None,
                "tone": "primary" if name == first else verb.tone,
            }
            for name, verb in known.items()
            if verb.when(row) and self.may(request, verb, row)
        ]

    def verb_url(self, row: models.Model, name: str) -> str:
        meta = self.model._meta
        return reverse(f"{self.admin_site.name}:{meta.app_label}_{meta.model_name}_verb", args=[quote(row.pk), name])

    def row_url(self, row: models.Model) -> str:
        meta = self.model._meta
        return reverse(f"{self.admin_site.name}:{meta.app_label}_{meta.model_name}_change", args=[quote(row.pk)])

    def may(self, request: HttpRequest, verb: Verb, row: models.Model) -> bool:
        return getattr(self, f"has_{verb.permission}_permission")(request, row)

    def verb_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if row is None or name not in self.verbs:
            raise Http404(name)
        verb = getattr(self, name).verb
        if not self.may(request, verb, row):
            raise PermissionDenied
        if verb.sensitive and (way := way_to_reauthenticate(request)):
            return way
        form = verb.form(request.POST or None, obj=row) if verb.form else None
        if request.method != "POST":
            return self.verb_page(request, row, verb, form) if form else HttpResponseNotAllowed(["POST"])
        if form and not form.is_valid():
            return self.verb_page(request, row, verb, form)
        return self.do(request, row, name, form)

    def do(self, request: HttpRequest, row: models.Model, name: str, form: Form | None) -> HttpResponse:
        method, now, said = getattr(self, name), clock(), form.cleaned_data if form else {}
        try:
            if not method.verb.when(row):
                raise Declined(f"{method.verb.label}: that is not possible as it is now.")
            with transaction.atomic() if method.verb.atomic else nullcontext():
                done = method(request, row, said, now=now)
                if not done.told:
                    told = {"reason": said.get("reason", ""), "before": done.before, "after": done.after}
                    note(request, self.verb_of(name), row, now=now, **told)
        except Declined as declined:
            if form:
                form.add_error(None, str(declined))
                return self.verb_page(request, row, method.verb, form, **declined.shown)
            done = Done(str(declined), well=False)
        except WrongState:
            done = Done("Somebody was first: the state has changed meanwhile. Look again.", well=False)
        (messages.success if done.well else messages.warning)(request, done.detail)
        return done.page or HttpResponseRedirect(self.row_url(row))

    def verb_page(self, request: HttpRequest, row: models.Model, verb: Verb, form: Form, **shown: Any) -> HttpResponse:
        title = f"{verb.label}: {row}"
        return self.page(
            request,
            "console/verb.html",
            title=title,
            original=row,
            verb=verb,
            form=form,
            back=self.row_url(row),
            **shown,
        )

    def page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        """A page of our own in the frame of the admin, which no browser keeps: `admin_view` says so."""
        request.current_app = self.admin_site.name
        context = {**self.admin_site.each_context(request), "opts": self.model._meta, **context}
        return TemplateResponse(request, template, context)
