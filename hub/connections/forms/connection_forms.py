"""Forms built from the fields of a connector: settings are shown, secrets are write-only."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Literal

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from connectors.base import Connector
from connectors.registry import CONNECTORS
from connectors.schema import LOGIN_HOST, Field
from hub import egress, staff
from hub.connections.connecting.connect import SIGNING_SECRET
from hub.connections.models import Connection, ConnectorApp, Credential, Lane
from hub.crypto.sealed import CannotOpen
from hub.reason_codes import translate_text
from tenants.models import Tenant
from tenants.scoping import visible_rows

PAUSE_LENGTHS = {
    "1": _("for one hour"),
    "4": _("for four hours"),
    "24": _("for a day"),
    "168": _("for a week"),
    "": _("until it is resumed"),
}


def validate_address(value: str) -> None:
    try:
        egress.check_url(value, egress.load_rules())
    except egress.EgressRefused as refused:
        raise ValidationError(str(refused)) from None


def validate_json_object(value: str) -> None:
    try:
        parsed = json.loads(value)
    except ValueError:
        raise ValidationError(_("This is not JSON.")) from None
    if not isinstance(parsed, dict):
        raise ValidationError(_('This is not a JSON object such as {"name": "value"}.'))


def validate_address_with_login_host(value: str) -> None:
    """Validate a base URL with a placeholder for the login host."""
    if LOGIN_HOST not in value:
        raise ValidationError(
            _("Must contain %(part)s, which is replaced with each customer's own host.")
            % {"part": LOGIN_HOST}
        )
    validate_address(value.replace(LOGIN_HOST, "login-host.example.com"))


VALIDATORS = {"url": [validate_address], "json": [validate_json_object]}


def build_form_field(field: Field, *, value: Any = None, stored: bool = False) -> forms.Field:
    """Build the form field.

    `stored`: a secret is stored, which an empty field leaves unchanged.
    """
    label, help_text = translate_text(field.label), translate_text(field.help)
    if field.kind == "flag":
        return forms.BooleanField(
            label=label, help_text=help_text, required=False, initial=bool(value)
        )
    if field.kind == "choice":
        choices = [(key, translate_text(choice)) for key, choice in field.choices]
        return forms.ChoiceField(
            label=label, help_text=help_text, choices=choices, initial=value or field.default
        )
    if field.kind == "number":
        return forms.IntegerField(
            label=label,
            help_text=help_text,
            required=field.required,
            initial=value,
            min_value=1,
            max_value=field.most,
        )
    validators = list(VALIDATORS.get(field.kind, []))
    if field.pattern:
        validators.append(
            RegexValidator(rf"\A(?:{field.pattern})\Z", _("This value is not allowed."))
        )
    hint = gettext("Stored, never shown. Leave empty to keep the stored value.") if stored else ""
    return forms.CharField(
        label=label,
        help_text=" ".join(filter(None, (help_text, hint))),
        required=field.required and not stored,
        validators=validators,
        widget=staff.WriteOnlyInput() if field.secret else forms.TextInput(),
        initial=None if field.secret else (value or field.default),
        max_length=10_000,
    )


class ConnectorFieldsForm(forms.Form):
    """The fields of a connector with their current settings; stored secrets are not shown."""

    def __init__(
        self,
        *args: Any,
        connector_fields: Iterable[Field],
        current_values: Mapping[str, Any],
        stored_document: Mapping[str, Any],
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.connector_fields, self.stored_document = tuple(connector_fields), dict(stored_document)
        for field in self.connector_fields:
            stored = field.secret and bool(self.stored_document.get(field.key))
            self.fields[field.key] = self.style_field(
                build_form_field(field, value=current_values.get(field.key), stored=stored)
            )
            if stored and not field.required:
                label = gettext("Delete the stored value: %(what)s") % {
                    "what": translate_text(field.label)
                }
                clear = forms.BooleanField(label=label, required=False)
                self.fields[f"forget_{field.key}"] = self.style_field(clear)

    def style_field(self, field: forms.Field) -> forms.Field:
        """Style the field in the style of the pages that show this form."""
        return field

    def clean(self) -> dict[str, Any]:
        """Add `settings`, and the `document` to seal."""
        data = super().clean() or self.cleaned_data
        data["settings"] = {
            field.key: data.get(field.key) for field in self.connector_fields if not field.secret
        }
        data["document"] = self._build_document(data)
        return data

    def _build_document(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Merge stored and entered secrets, without those to be deleted."""
        document = dict(self.stored_document)
        for field in self.connector_fields:
            if field.secret and data.get(f"forget_{field.key}"):
                document.pop(field.key, None)
            if field.secret and data.get(field.key):
                document[field.key] = data[field.key]
        return document


class CredentialUpdateForm(ConnectorFieldsForm):
    """A form in which empty secrets keep the stored ones, unless the address changes."""

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        addresses = {field.key for field in self.connector_fields if field.kind == "url"}
        if addresses & set(self.changed_data):
            for field in self.connector_fields:
                if (
                    field.secret
                    and field.key != SIGNING_SECRET
                    and self.stored_document.get(field.key)
                    and not data.get(field.key)
                ):
                    self.add_error(field.key, _("The address has changed. Enter this value again."))
        return data


class StaffFieldsForm(ConnectorFieldsForm, staff.ActionForm):
    """The fields of a connector, in the style of the staff pages."""

    def style_field(self, field: forms.Field) -> forms.Field:
        return staff.apply_admin_style(field)


class AllowUntestedForm(staff.ActionForm):
    """A form with which staff store a connection that did not pass the test, with a reason."""

    folded_fields = ("anyway", "reason")

    anyway = forms.BooleanField(label="Save without a passing test", required=False)
    reason = forms.CharField(label="Why", max_length=300, required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("anyway") and not data.get("reason"):
            self.add_error("reason", "Enter the reason for saving without a passing test.")
        return data


class ConnectForm(StaffFieldsForm, AllowUntestedForm):
    """The form of a new connection."""

    def __init__(
        self, *args: Any, connector: Connector, request: HttpRequest, site: Any, **kwargs: Any
    ) -> None:
        super().__init__(
            *args,
            connector_fields=connector.fields,
            current_values={},
            stored_document={},
            **kwargs,
        )
        of_tenant = {
            "name": staff.apply_admin_style(
                forms.CharField(max_length=200, label="Name", initial=connector.label)
            )
        }
        if not connector.platform:
            column, tenants = (
                Connection._meta.get_field("tenant"),
                visible_rows(Tenant, request.user),
            )
            of_tenant = {"tenant": staff.build_related_field(column, site, tenants), **of_tenant}
        self.fields = {**of_tenant, **self.fields}


class CredentialForm(StaffFieldsForm, AllowUntestedForm):
    """Settings and credential of an existing connection."""

    def __init__(self, *args: Any, obj: Connection, **kwargs: Any) -> None:
        stored_document: dict[str, Any] = {}
        with suppress(CannotOpen, Credential.DoesNotExist):  # all fields are required then
            stored_document = obj.credential.open(obj)
        super().__init__(
            *args,
            obj=obj,
            connector_fields=obj.connector.fields,
            current_values=obj.settings,
            stored_document=stored_document,
            **kwargs,
        )


class PauseForm(staff.ReasonForm):
    length = forms.ChoiceField(
        label="Duration", choices=list(PAUSE_LENGTHS.items()), required=False
    )


class DisconnectForm(staff.ActionForm):
    what_waits = forms.ChoiceField(
        label="Waiting deliveries",
        choices=[
            ("hold", "hold them until the same account is connected again"),
            ("cancel", "cancel them"),
        ],
        widget=forms.RadioSelect,
        initial="hold",
    )
    reason = forms.CharField(max_length=300, help_text="Kept in the audit log.")


def compute_pause_end(data: Mapping[str, Any], now: datetime) -> datetime | None:
    return now + timedelta(hours=int(data["length"])) if data["length"] else None


class ConnectionForm(forms.ModelForm):
    in_flight = forms.IntegerField(
        label="Concurrent calls",
        min_value=1,
        max_value=200,
        help_text="Maximum on this connection.",
    )

    class Meta:
        model = Connection
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lane = Lane.unscoped.filter(connection=self.instance.pk).first()
        self.initial["in_flight"] = lane.in_flight if lane else None
        staff.apply_admin_style(self.fields["in_flight"])


class ConnectorAppForm(StaffFieldsForm):
    """Our registration at one system: base URLs, allowed hosts, client id and secret."""

    hosts = forms.CharField(
        label="Allowed hosts in responses",
        help_text=(
            "One pattern per line, such as *.example.com. Leave empty for the connector's defaults."
        ),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, app: ConnectorApp, **kwargs: Any) -> None:
        connector, stored_document = CONNECTORS[app.connector_key], app.open()
        super().__init__(
            *args,
            connector_fields=connector.app_fields,
            current_values=stored_document,
            stored_document=stored_document,
            **kwargs,
        )
        self.bases = tuple(connector.urls)
        for name, url in connector.urls.items():
            kind: Literal["text", "url"] = "text" if LOGIN_HOST in url else "url"
            base = Field(
                f"url_{name}", f"Base URL: {name}", f"Empty: {url}", required=False, kind=kind
            )
            self.fields[base.key] = staff.apply_admin_style(
                build_form_field(base, value=app.urls.get(name))
            )
            if kind == "text":
                self.fields[base.key].validators.append(validate_address_with_login_host)
        self.initial["hosts"] = "\n".join(app.hosts)

    def clean_hosts(self) -> list[str]:
        return str(self.cleaned_data["hosts"]).split()

    def clean(self) -> dict[str, Any]:
        """Add the fields that are not secret to the sealed document."""
        data = super().clean()
        data["document"] |= {name: value for name, value in data["settings"].items() if value}
        base_urls = {name: data.get(f"url_{name}") for name in self.bases}
        data["urls"] = {name: url.rstrip("/") for name, url in base_urls.items() if url}
        return data
