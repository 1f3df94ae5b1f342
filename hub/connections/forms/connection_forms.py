"""Forms built from the fields of a connector: settings are shown, secrets are write-only."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from connectors.base import Connector
from connectors.schema import Field
from hub import staff
from hub.connections.connecting.connect import SIGNING_SECRET
from hub.connections.forms.connector_fields import build_form_field
from hub.connections.models import Connection, Credential, Lane
from hub.crypto.sealed import CannotOpen
from hub.reason_codes import translate_text
from tenants.models import Tenant
from tenants.scoping import visible_rows


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
    reason = forms.CharField(label="Reason", max_length=300, required=False)

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
        if not connector.is_for_platform:
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
