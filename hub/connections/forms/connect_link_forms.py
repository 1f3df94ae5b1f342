"""Forms of connect links: the system to connect, or the recipient."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from connectors.base import Connector
from connectors.registry import CONNECTORS
from connectors.schema import LOGIN_HOST_LENGTH_MAX
from hub import staff
from hub.connections.models import Connection, ConnectLink, ConnectorApp
from hub.reason_codes import translate_text
from tenants.models import Tenant
from tenants.scoping import visible_rows


def list_environment_choices(connectors: Iterable[str]) -> list[tuple[str, Any]]:
    """List the environments of these systems, preceded by an empty choice."""
    environments = {
        entry.key: translate_text(entry.label)
        for key in connectors
        for entry in CONNECTORS[key].environments
    }
    return [("", _("– selected by the person who connects it –")), *environments.items()]


def find_login_host_example(connectors: Iterable[str]) -> str:
    """Return an example of a login host, of the first system with login hosts; else empty."""
    return next(
        (login_host.example for key in connectors if (login_host := CONNECTORS[key].login_host)), ""
    )


def login_host_field(example: str) -> forms.CharField:
    words = gettext(
        "Only if the organisation has its own login host, such as %(example)s. It implies "
        "the kind of account."
    )
    return forms.CharField(
        label=_("Login host"),
        required=False,
        max_length=LOGIN_HOST_LENGTH_MAX,
        help_text=words % {"example": example},
    )


class ConnectLinkForm(forms.Form):
    """The system that a colleague is asked to connect."""

    connector = forms.ChoiceField(label=_("System"))
    connection = forms.ModelChoiceField(
        Connection.unscoped.none(),
        label=_("Reconnect"),
        required=False,
        empty_label=_("– a new connection –"),
        to_field_name="public_id",
    )

    environment = forms.ChoiceField(
        label=_("Kind of account"),
        required=False,
        help_text=_("For systems with several kinds, such as a sandbox."),
    )

    def __init__(self, *args: Any, tenant: Tenant, **options: Any) -> None:
        super().__init__(*args, **options)
        ready = sorted(ConnectorApp.list_configured_connector_keys())
        connectors = cast(forms.ChoiceField, self.fields["connector"])
        connectors.choices = [(key, CONNECTORS[key].label) for key in ready]
        environments = cast(forms.ChoiceField, self.fields["environment"])
        environments.choices = list_environment_choices(ready)
        if not any(CONNECTORS[key].environments for key in ready):
            del self.fields["environment"]
        if example := find_login_host_example(ready):
            self.fields["login_host"] = login_host_field(example)
        connections = cast(forms.ModelChoiceField, self.fields["connection"])
        connections.queryset = Connection.objects.of(tenant).order_by("name")

    def clean_connector(self) -> Connector:
        return CONNECTORS[self.cleaned_data["connector"]]


class StaffConnectLinkForm(staff.ActionForm):
    """The form of staff: a system to connect, for a tenant that this person may change."""

    def __init__(self, *args: Any, request: HttpRequest, site: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        ready = sorted(ConnectorApp.list_configured_connector_keys())
        systems = [(key, CONNECTORS[key].label) for key in ready]
        tenant, connection = (
            ConnectLink._meta.get_field(name) for name in ("tenant", "connection")
        )
        self.fields = {
            "tenant": staff.build_related_field(tenant, site, visible_rows(Tenant, request.user)),
            "connector": staff.apply_admin_style(
                forms.ChoiceField(label="System", choices=systems)
            ),
            "connection": staff.build_related_field(
                connection,
                site,
                visible_rows(Connection, request.user),
                required=False,
                help_text="For reconnecting.",
            ),
            "environment": staff.apply_admin_style(
                forms.ChoiceField(
                    label="Kind of account", choices=list_environment_choices(ready), required=False
                )
            ),
            "login_host": staff.apply_admin_style(login_host_field(find_login_host_example(ready))),
        }

    def clean_connector(self) -> Connector:
        return CONNECTORS[self.cleaned_data["connector"]]
