"""The form of our registration at one system."""

from typing import Any, Literal

from django import forms

from connectors.registry import CONNECTORS
from connectors.schema import LOGIN_HOST, Field
from hub import staff
from hub.connections.credentials.signing_secrets import SIGNING_SECRET
from hub.connections.forms.connection_forms import StaffFieldsForm
from hub.connections.forms.connector_fields import (
    build_form_field,
    validate_address_with_login_host,
)
from hub.connections.models import ConnectorApp
from hub.crypto.sealed import CannotOpen


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
        connector, stored_document = CONNECTORS[app.connector_key], self._open_document(app)
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
        if stored_document.get(SIGNING_SECRET):
            self.fields["ends_overlap"] = staff.apply_admin_style(
                forms.BooleanField(
                    label="Stop accepting former signing secrets now",
                    help_text="Otherwise a replaced signing secret is accepted for 24 hours.",
                    required=False,
                )
            )
        self.initial["hosts"] = "\n".join(app.hosts)

    def _open_document(self, app: ConnectorApp) -> dict[str, Any]:
        """Return the stored document; empty if it does not open, so that all is entered again."""
        try:
            document, self.is_unreadable = app.open(), False
        except CannotOpen:
            document, self.is_unreadable = {}, True
        return document

    def clean_hosts(self) -> list[str]:
        return str(self.cleaned_data["hosts"]).split()

    def clean(self) -> dict[str, Any]:
        """Add the fields that are not secret to the document to seal."""
        data = super().clean()
        data["document"] |= {name: value for name, value in data["settings"].items() if value}
        base_urls = {name: data.get(f"url_{name}") for name in self.bases}
        data["urls"] = {name: url.rstrip("/") for name, url in base_urls.items() if url}
        return data
