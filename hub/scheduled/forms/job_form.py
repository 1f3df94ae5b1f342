"""The form of a job: of a tenant's own, or of staff for all tenants."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext_lazy as _

from connectors.registry import CONNECTORS
from hub.connections.models import DISCONNECTED, Connection
from hub.mappings.json_fields import build_digits_error
from hub.problems import Problem, read_json
from hub.problems.strict_json import TooManyDigits, parse_storable_float
from hub.scheduled.forms.option_form import OptionForm, open_option_form
from hub.scheduled.jobs.job_actions import build_job
from hub.scheduled.jobs.job_checks import MAX_MINUTES, InvalidJob
from hub.scheduled.jobs.kinds import JOB_KINDS
from hub.scheduled.models import Job
from tenants.forms import TenantField
from tenants.models import Tenant, User

OPTIONS = "options"  # the field with the JSON
OPTIONS_LENGTH_MAX = 50_000  # characters
PRIORITY_MAX = 100
STAFF_COLUMNS = ("priority", "concurrency_group")
COLUMNS = (
    "name",
    "kind",
    "connector_key",
    "connection",
    "cron",
    "window_minutes",
    "deadline_minutes",
    "catch_up",
    "options",
)


class OptionsField(forms.CharField):
    """A JSON object."""

    widget = forms.Textarea(attrs={"rows": 12, "spellcheck": "false", "autocomplete": "off"})

    def prepare_value(self, value: Any) -> Any:
        is_document = isinstance(value, Mapping)
        return json.dumps(value, indent=2, ensure_ascii=False) if is_document else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.clean(data) != (initial or {}))
        except forms.ValidationError:
            return True

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            document = read_json(text.encode(), parse_float=parse_storable_float) if text else {}
        except TooManyDigits as refused:
            raise build_digits_error(refused) from None
        except Problem:  # also for what a database cannot store, such as \u0000
            raise forms.ValidationError(_("This is not valid JSON.")) from None
        if not isinstance(document, dict):
            raise forms.ValidationError(_("Enter a JSON object, such as {}."))
        return document


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields of a form that a page shows together; templates use it like a form."""

    form: forms.Form
    names: Collection[str]

    @property
    def visible_fields(self) -> list[forms.BoundField]:
        return [field for field in self.form.visible_fields() if field.name in self.names]

    @property
    def hidden_fields(self) -> list[forms.BoundField]:
        return [field for field in self.form.hidden_fields() if field.name in self.names]

    @property
    def non_field_errors(self) -> Any:
        return self.form.non_field_errors() if OPTIONS not in self.names else ()

    @property
    def errors(self) -> dict[str, Any]:
        errors = self.form.errors
        return {name: error for name, error in errors.items() if name in self.names}


class JobForm(forms.Form):
    """The values of a job. Without a tenant, the job is for all tenants.

    If its kind and system are known, `option_form` has a field for each option; options without a
    field can be entered as JSON.

    The errors of the service functions are added to their fields by `add_job_errors`.
    """

    name = forms.CharField(label=_("Name"), max_length=200)
    kind = forms.ChoiceField(label=_("What it does"), choices=Job.Kind.choices)
    connector_key = forms.ChoiceField(label=_("System"))
    connection = forms.ModelChoiceField(
        Connection.unscoped.none(),
        label=_("Connection"),
        required=False,
        empty_label=_("The one of this system"),
    )
    cron = forms.CharField(
        label=_("Schedule"),
        max_length=100,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
        help_text=_(
            "Minute, hour, day, month and day of the week, in your time zone: 30 2 * * * is every "
            "day at 02:30, and 0 9 * * mon is every Monday at 09:00."
        ),
    )
    window_minutes = forms.IntegerField(
        label=_("Starts within (minutes)"),
        min_value=1,
        max_value=MAX_MINUTES,
        required=False,
        help_text=_("Each run starts at its own time in this window. Empty: by kind."),
    )
    deadline_minutes = forms.IntegerField(
        label=_("Ends within (minutes)"),
        min_value=1,
        max_value=MAX_MINUTES,
        required=False,
        help_text=_("You get a notice when a run has not ended by then. Empty: by kind."),
    )
    catch_up = forms.ChoiceField(label=_("If a time was missed"), choices=Job.CatchUp.choices)
    options = OptionsField(
        label=_("Options (JSON)"),
        required=False,
        max_length=OPTIONS_LENGTH_MAX,
        help_text=_("What is read and compared, or sent. A report needs none."),
    )

    def __init__(
        self, *args: Any, tenant: Tenant | None, job: Job | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.tenant, self.job = tenant, job
        if job is None:
            self.initial.setdefault("cron", "30 2 * * *")
            self.initial.setdefault("options", {})
        else:
            self.initial.update({column: getattr(job, column) for column in COLUMNS})
        for name in ("kind", "connector_key") if job else ():
            del self.fields[name]  # a job keeps these
        self._set_choices()
        self.option_form = self._open_option_form()

    def _open_option_form(self) -> OptionForm | None:
        """Return the form of the options; the kind and system of a new job are chosen before."""
        data = self.data if self.is_bound else None
        if self.job is not None:
            return open_option_form(self.job.kind, self.job.connector_key, self.job.options, data)
        kind, key = (str(self.initial.get(name, "")) for name in ("kind", "connector_key"))
        if key not in {system for system, _label in list_system_choices(self.tenant)}:
            return None
        option_form = open_option_form(kind, key, {}, data)
        for name in ("kind", "connector_key") if option_form else ():
            self.fields[name].widget = forms.HiddenInput()
        return option_form

    @property
    def chosen_texts(self) -> tuple[Any, Any] | None:
        """Return the labels of the kind and the system that were chosen for a new job."""
        if self.job is not None or self.option_form is None:
            return None
        kinds = dict(Job.Kind.choices)
        return kinds[self.initial["kind"]], CONNECTORS[self.initial["connector_key"]].label

    @property
    def main_group(self) -> FieldGroup:
        return FieldGroup(self, set(self.fields) - {OPTIONS})

    @property
    def json_group(self) -> FieldGroup:
        return FieldGroup(self, {OPTIONS})

    @property
    def has_option_fields(self) -> bool:
        """Return whether the fields of options, rather than the JSON, were filled in."""
        return self.option_form is not None and self.option_form.is_bound

    def is_valid(self) -> bool:
        """Check the values, and the fields of options unless the JSON was changed instead."""
        is_valid = super().is_valid()
        if self.option_form is None or not self.option_form.is_bound:
            return is_valid
        is_json = OPTIONS in self.changed_data
        if is_json and self.option_form.has_changed():
            self.add_error(OPTIONS, _("Change either the fields or the JSON, not both."))
            return False
        return is_valid and (is_json or self.option_form.is_valid())

    def _set_choices(self) -> None:
        connections = list_connections(self.tenant)
        if self.tenant is None:
            del self.fields["connection"]
        else:
            connection = cast(forms.ModelChoiceField, self.fields["connection"])
            key = {"connector_key": self.job.connector_key} if self.job else {}
            connection.queryset = connections.filter(**key)
        if "connector_key" in self.fields:
            system = cast(forms.ChoiceField, self.fields["connector_key"])
            system.choices = list_system_choices(self.tenant)

    @property
    def examples(self) -> Iterator[tuple[Any, str]]:
        """Yield the title and the JSON of examples of options: of the job's kind, or of all."""
        for kind, job_kind in JOB_KINDS.items():
            if self.job is None or kind == self.job.kind:
                example = job_kind.options.build_example()
                yield job_kind.options.example_title, json.dumps(example, indent=2)

    def build(self) -> Job:
        """Return the new unsaved job, or the stored one with unsaved changes."""
        values = {name: value for name, value in self.cleaned_data.items() if value is not None}
        if self.option_form and self.has_option_fields and OPTIONS not in self.changed_data:
            values[OPTIONS] = self.option_form.build()
        if self.job is None:
            return build_job(tenant=self.tenant, **values)
        self.job.connection = self.cleaned_data.get("connection", self.job.connection)
        for name, value in values.items():
            setattr(self.job, name, value)
        return self.job

    def add_job_errors(self, invalid: InvalidJob) -> None:
        """Add each error to its field; errors of options include their path."""
        for path, error in invalid.errors.items():
            name, _dot, rest = path.partition(".")
            text = f"{rest}: {error}" if rest else error
            if name == OPTIONS and self.has_option_fields and self.option_form:
                field = self.option_form.find_field(rest)
                self.option_form.add_error(field or None, error if field else text)
                continue
            self.add_error(name if name in self.fields else None, text)


def list_connections(tenant: Tenant | None) -> Any:
    """Select the connections that a job of the tenant can work on."""
    connections = Connection.unscoped.filter(tenant=tenant) if tenant else Connection.unscoped
    return connections.exclude(state="disabled", reason=DISCONNECTED).order_by("name")


def list_system_choices(tenant: Tenant | None) -> list[tuple[str, Any]]:
    """List the external systems: those that the tenant has connected, or all."""
    keys = set(CONNECTORS)
    if tenant is not None:
        keys = set(list_connections(tenant).order_by().values_list("connector_key", flat=True))
    return [
        (key, connector.label)
        for key, connector in CONNECTORS.items()
        if key in keys and not connector.is_for_platform
    ]


class StaffJobForm(JobForm):
    """The form of staff, with tenant, priority, and the group of jobs that share their calls."""

    owner = TenantField(label="Tenant", max_length=100, required=False)
    priority = forms.IntegerField(
        min_value=-PRIORITY_MAX,
        max_value=PRIORITY_MAX,
        required=False,
        help_text="A greater one starts first.",
    )
    concurrency_group = forms.CharField(
        max_length=60,
        required=False,
        help_text="Runs of jobs with the same name share a limit of calls in flight.",
    )
    field_order = ("owner", "name", "kind", "connector_key", "connection", "cron")

    def __init__(
        self, *args: Any, user: User | AnonymousUser, job: Job | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, tenant=job.tenant if job else None, job=job, **kwargs)
        if job is None:
            owner = cast(TenantField, self.fields["owner"])
            owner.for_user(user, "The tenant's reference. Leave empty for all tenants.")
        else:
            del self.fields["owner"]
            self.initial.update({column: getattr(job, column) for column in STAFF_COLUMNS})

    def build(self) -> Job:
        self.tenant = self.cleaned_data.pop("owner", self.tenant)
        return super().build()
