"""Forms built from what a connector states: its settings are shown, its secrets are only ever written."""

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
from connectors.parts import LOGIN_HOST, Field
from connectors.registry import CONNECTORS
from hub import egress, staff
from hub.connections.connect import SIGNING_SECRET
from hub.connections.models import Connection, ConnectorApp, Credential, Lane
from hub.secrets import CannotOpen
from hub.words import said
from tenants.models import Tenant
from tenants.scoping import visible_to

PAUSES = {
    "1": _("for one hour"),
    "4": _("for four hours"),
    "24": _("for a day"),
    "168": _("for a week"),
    "": _("until somebody resumes it"),
}


def an_address(value: str) -> None:
    try:
        egress.check_url(value, egress.rules())
    except egress.Refused as refused:
        raise ValidationError(str(refused)) from None


def a_json_object(value: str) -> None:
    try:
        read = json.loads(value)
    except ValueError:
        raise ValidationError(_("This is not JSON.")) from None
    if not isinstance(read, dict):
        raise ValidationError(_('This is not a JSON object such as {"name": "value"}.'))


def an_address_with_login_host(value: str) -> None:
    """A base URL in which a customer's login host has its place."""
    if LOGIN_HOST not in value:
        raise ValidationError(
            _("%(part)s must be in it: each customer's own host stands there.") % {"part": LOGIN_HOST}
        )
    an_address(value.replace(LOGIN_HOST, "login-host.example.com"))


VALIDATORS = {"url": [an_address], "json": [a_json_object]}


def form_field(field: Field, *, value: Any = None, stored: bool = False) -> forms.Field:
    """`stored`: there is a secret already, which stays where nothing is filled in."""
    if field.kind == "flag":
        return forms.BooleanField(
            label=said(field.label), help_text=said(field.help), required=False, initial=bool(value)
        )
    if field.kind == "choice":
        choices = [(key, said(label)) for key, label in field.choices]
        initial = value or field.default
        return forms.ChoiceField(label=said(field.label), help_text=said(field.help), choices=choices, initial=initial)
    if field.kind == "number":
        return forms.IntegerField(
            label=said(field.label), help_text=said(field.help), required=field.required, initial=value,
            min_value=1, max_value=field.most,
        )  # fmt: skip
    validators = list(VALIDATORS.get(field.kind, []))
    if field.pattern:
        validators.append(RegexValidator(rf"\A(?:{field.pattern})\Z", _("This is not a value that is allowed here.")))
    hint = gettext("It is stored, and never shown. Leave it empty to keep it.") if stored else ""
    return forms.CharField(
        label=said(field.label),
        help_text=" ".join(filter(None, (said(field.help), hint))),
        required=field.required and not stored,
        validators=validators,
        widget=staff.WriteOnly() if field.secret else forms.TextInput(),
        initial=None if field.secret else (value or field.default),
        max_length=10_000,
    )


class Stated(forms.Form):
    """The fields of a connector, with what is known of them; `kept` are the secrets that are stored already."""

    def __init__(
        self, *args: Any, stated: Iterable[Field], known: Mapping[str, Any], kept: Mapping[str, Any], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.stated, self.kept = tuple(stated), dict(kept)
        for field in self.stated:
            stored = field.secret and bool(self.kept.get(field.key))
            self.fields[field.key] = self.dressed(form_field(field, value=known.get(field.key), stored=stored))
            if stored and not field.required:
                label = gettext("Forget what is stored: %(what)s") % {"what": said(field.label)}
                clear = forms.BooleanField(label=label, required=False)
                self.fields[f"forget_{field.key}"] = self.dressed(clear)

    def dressed(self, field: forms.Field) -> forms.Field:
        """In the look of the pages around it."""
        return field

    def clean(self) -> dict[str, Any]:
        """Adds `settings`, and the `document` to be sealed."""
        said = super().clean() or self.cleaned_data
        said["settings"] = {field.key: said.get(field.key) for field in self.stated if not field.secret}
        said["document"] = self.document(said)
        return said

    def document(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """What is stored, with what was filled in, without what is to be forgotten."""
        document = dict(self.kept)
        for field in self.stated:
            if field.secret and said.get(f"forget_{field.key}"):
                document.pop(field.key, None)
            if field.secret and said.get(field.key):
                document[field.key] = said[field.key]
        return document


class MendForm(Stated):
    """What is stored stays where nothing is filled in; but it is not sent to an address that was just changed."""

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        addresses = {field.key for field in self.stated if field.kind == "url"}
        if addresses & set(self.changed_data):
            for field in self.stated:
                if (
                    field.secret
                    and field.key != SIGNING_SECRET
                    and self.kept.get(field.key)
                    and not said.get(field.key)
                ):
                    self.add_error(field.key, _("The address has changed, so fill this in again."))
        return said


class FieldsForm(Stated, staff.Form):
    """The same for staff."""

    def dressed(self, field: forms.Field) -> forms.Field:
        return staff.styled(field)


class Untested(staff.Form):
    """What staff says to keep what did not pass the test; it stands apart from what is filled in."""

    apart = ("anyway", "reason")

    anyway = forms.BooleanField(label="Save without a passing test", required=False)
    reason = forms.CharField(label="Why", max_length=300, required=False)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if said.get("anyway") and not said.get("reason"):
            self.add_error("reason", "Say why it is saved without a passing test.")
        return said


class ConnectForm(FieldsForm, Untested):
    """A new connection."""

    def __init__(self, *args: Any, connector: Connector, request: HttpRequest, site: Any, **kwargs: Any) -> None:
        super().__init__(*args, stated=connector.fields, known={}, kept={}, **kwargs)
        of_tenant = {"name": staff.styled(forms.CharField(max_length=200, label="Name", initial=connector.label))}
        if not connector.platform:
            column, rows = Connection._meta.get_field("tenant"), visible_to(Tenant, request.user)
            of_tenant = {"tenant": staff.related_field(column, site, rows), **of_tenant}
        self.fields = {**of_tenant, **self.fields}


class CredentialForm(FieldsForm, Untested):
    """Settings and credential of a connection that is there."""

    def __init__(self, *args: Any, obj: Connection, **kwargs: Any) -> None:
        kept: dict[str, Any] = {}
        with suppress(CannotOpen, Credential.DoesNotExist):  # then all of it is filled in again
            kept = obj.credential.open(obj)
        super().__init__(*args, obj=obj, stated=obj.connector.fields, known=obj.settings, kept=kept, **kwargs)


class PauseForm(staff.ReasonForm):
    length = forms.ChoiceField(label="How long", choices=list(PAUSES.items()), required=False)


class DisconnectForm(staff.Form):
    what_waits = forms.ChoiceField(
        label="What waits to be sent",
        choices=[("hold", "hold it, for when the same account is connected again"), ("cancel", "cancel it")],
        widget=forms.RadioSelect,
        initial="hold",
    )
    reason = forms.CharField(max_length=300, help_text="It is kept in the audit.")


def until(said: Mapping[str, Any], now: datetime) -> datetime | None:
    return now + timedelta(hours=int(said["length"])) if said["length"] else None


class ConnectionForm(forms.ModelForm):
    in_flight = forms.IntegerField(
        label="Calls at the same time", min_value=1, max_value=200, help_text="On this connection, at most."
    )

    class Meta:
        model = Connection
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lane = Lane.unscoped.filter(connection=self.instance.pk).first()
        self.initial["in_flight"] = lane.in_flight if lane else None
        staff.styled(self.fields["in_flight"])


class AppForm(FieldsForm):
    """Our registration at one system: base URLs, the hosts that an answer may name, and what that system gave us."""

    hosts = forms.CharField(
        label="Hosts that an answer may name",
        help_text="One pattern on each line, such as *.example.com; empty: the connector's own.",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, app: ConnectorApp, **kwargs: Any) -> None:
        connector, kept = CONNECTORS[app.connector_key], app.open()
        super().__init__(*args, stated=connector.app_fields, known=kept, kept=kept, **kwargs)
        self.bases = tuple(connector.urls)
        for name, url in connector.urls.items():
            kind: Literal["text", "url"] = "text" if LOGIN_HOST in url else "url"
            base = Field(f"url_{name}", f"Base URL: {name}", f"Empty: {url}", required=False, kind=kind)
            self.fields[base.key] = staff.styled(form_field(base, value=app.urls.get(name)))
            if kind == "text":
                self.fields[base.key].validators.append(an_address_with_login_host)
        self.initial["hosts"] = "\n".join(app.hosts)

    def clean_hosts(self) -> list[str]:
        return self.cleaned_data["hosts"].split()

    def clean(self) -> dict[str, Any]:
        """What is no secret stands in the same sealed document."""
        said = super().clean()
        said["document"] |= {name: value for name, value in said["settings"].items() if value}
        given = {name: said.get(f"url_{name}") for name in self.bases}
        said["urls"] = {name: url.rstrip("/") for name, url in given.items() if url}
        return said
