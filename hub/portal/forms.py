"""The forms of the portal."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from connectors.base import Connector
from connectors.outcomes import clean_text
from connectors.roles import Choices
from hub.connections.actions.disconnection import REVOKE_LATER, DisconnectForm
from hub.connections.forms.connection_forms import ConnectorFieldsForm
from hub.connections.models import Connection
from hub.mappings.identity_pairs import MAX_LENGTHS, find_text_problem
from hub.notices.forms import ENTER_TIME_ZONE
from hub.outgoing.subscriptions.notice_channels import NoticeChannel
from hub.portal.endpoints.forms import NAME_HELP
from hub.portal.log.operation_form import REASON_HELP
from hub.portal.log.saved_views import extract_log_filters
from hub.portal.offered_choices import OTHER_RECORD_LABEL
from tenants.models import Tenant, available_time_zones

MAX_NAME_LENGTH = 200


class NewConnectionForm(ConnectorFieldsForm):
    """The form of a new connection: its name and its connector's settings."""

    name = forms.CharField(label=_("Name"), max_length=MAX_NAME_LENGTH, help_text=NAME_HELP)

    def __init__(self, *args: Any, connector: Connector, **kwargs: Any) -> None:
        super().__init__(
            *args,
            connector_fields=connector.fields,
            current_values={},
            stored_document={},
            **kwargs,
        )
        self.initial.setdefault("name", connector.label)


class SavedViewForm(forms.Form):
    """The form of a saved view: the current filters of the log and a name."""

    name = forms.CharField(label=_("Name"), max_length=60)
    query = forms.CharField(widget=forms.HiddenInput)

    def clean_query(self) -> str:
        if not (query := extract_log_filters(self.cleaned_data["query"])):
            raise forms.ValidationError(_("Set at least one filter."))
        return query


class RepairPlanForm(forms.Form):
    reason = forms.CharField(
        max_length=300,
        required=False,
        label=_("Reason"),
        help_text=REASON_HELP,
    )


class ErasingDisconnectForm(DisconnectForm):
    """The form to disconnect an account, and to erase what was sent and received over it."""

    field_order = ("revoke", "what_waits", "data", "reason", "sure")

    data = forms.ChoiceField(  # type: ignore[assignment]  # a form's own `data` is on the instance
        label=_("Data of past deliveries"),
        choices=[
            ("keep", _("Keep it for the usual retention period")),
            (
                "erase",
                _(
                    "Delete it now: requests, responses, received events and identities. The "
                    "record that deliveries were sent is kept"
                ),
            ),
        ],
        initial="keep",
        required=False,
        widget=forms.RadioSelect,
    )
    sure = forms.BooleanField(label=_("I understand what happens next"))

    @property
    def can_be_undone(self) -> bool:
        """Return whether an undo is possible: not if the sent data is erased, too."""
        has_to_erase = self.cleaned_data["data"] == "erase"
        return self.cleaned_data["revoke"] == REVOKE_LATER and not has_to_erase


class OwnRecordForm(forms.Form):
    """The form for one of our records; its counterpart is chosen in the next step."""

    kind = forms.CharField(
        label=_("Kind"),
        max_length=60,
        widget=forms.TextInput(attrs={"list": "kinds", "autocomplete": "off"}),
        help_text=_("For example channel, user or product."),
    )
    local_id = forms.CharField(
        label=_("Our record"), max_length=200, help_text=_("The ID in events, such as orders.")
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name in list(data):
            if problem := find_text_problem(name, data[name], MAX_LENGTHS[name]):
                self.add_error(name, problem)
        return data


class RemoteRecordForm(forms.Form):
    """The form of the counterpart: chosen from the other system's records, or entered by its id."""

    selection = forms.CharField(required=False, max_length=401, widget=forms.Select())
    remote_id = forms.CharField(required=False, max_length=200)

    def __init__(self, *args: Any, choices: Choices | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.find_id_problem = choices.find_id_problem if choices else lambda id: ""
        self.fields["selection"].label = _("Matching record")
        self.fields["remote_id"].label = _("ID of the record")

    def show(self, rows: Sequence[tuple[str, str]], *, current: str) -> None:
        """Offer the other system's records; without records, ask for an id."""
        if not rows:
            del self.fields["selection"]
            self.fields["remote_id"].initial, self.fields["remote_id"].required = current, True
            return
        options = {f"{id} {name}": name for id, name in rows}
        preselected = next((value for value in options if value.startswith(f"{current} ")), "")
        self.fields["selection"].widget.choices = [("", _("Choose a record")), *options.items()]
        self.fields["selection"].initial, self.fields["remote_id"].initial = (
            preselected,
            "" if preselected else current,
        )
        self.fields["remote_id"].label = OTHER_RECORD_LABEL

    def clean(self) -> dict[str, Any]:
        """Add `id` and `name` to the data; an entered id takes precedence over a chosen record."""
        data = super().clean() or self.cleaned_data
        selection, _space, name = data.get("selection", "").partition(" ")
        name = clean_text(name, MAX_LENGTHS["name"])  # the other system's own words
        typed = data.get("remote_id", "")
        data["id"], data["name"] = (typed, "") if typed else (selection, name)
        if not data["id"]:
            self.add_error("remote_id", _("Choose a record or enter an ID."))
        elif error := self.find_id_problem(data["id"]):
            self.add_error("remote_id", error)
        return data


class TenantForm(forms.ModelForm):
    """The settings of a tenant, which its owners change."""

    time_zone = forms.CharField(
        label=_("Time zone"),
        max_length=64,
        widget=forms.TextInput(
            attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}
        ),
        help_text=_(
            "Used for times unless a person chooses another zone. For example Europe/Berlin."
        ),
    )

    class Meta:
        model = Tenant
        fields = ("name", "time_zone")
        labels = {"name": _("Name")}

    def clean_time_zone(self) -> str:
        zone: str = self.cleaned_data["time_zone"]
        if zone not in available_time_zones():
            raise forms.ValidationError(ENTER_TIME_ZONE)
        return zone


class NoticeChannelsForm(forms.Form):
    """The connections over which notices are also sent to a tenant's members."""

    over = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, label=_("Send notices to")
    )

    def __init__(self, *args: Any, channels: Sequence[NoticeChannel], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.selectable = {
            str(channel.connection.public_id): channel.connection
            for channel in channels
            if channel.other_route is None
        }
        self.fixed_channels = [channel for channel in channels if channel.other_route]
        over = cast(forms.MultipleChoiceField, self.fields["over"])
        over.choices = [(id, str(connection)) for id, connection in self.selectable.items()]
        self.initial["over"] = [
            str(channel.connection.public_id) for channel in channels if channel.enabled
        ]

    @property
    def selection(self) -> list[Connection]:
        return [self.selectable[id] for id in self.cleaned_data["over"]]
