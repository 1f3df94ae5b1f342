"""The kinds of records in Pipedrive, and their fields; the actions are made from this data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from connectors.i18n import _
from connectors.schema import Input

# for what permissions are asked
WRITES_LEADS, WRITES_ACTIVITIES = _("to write leads"), _("to write activities")
OWNER = Input(
    "owner_id", _("Owner"), _("ID of a user. Default: the user who connected the account.")
)
PERSON = Input("person_id", _("Person"), _("ID of a person."))
ORGANIZATION = Input("org_id", _("Organization"), _("ID of an organization."))
DEAL = Input("deal_id", _("Deal"), _("ID of a deal."))
LEAD = Input("lead_id", _("Lead"), _("ID of a lead."))
VISIBILITY = Input(
    "visible_to",
    _("Visible to"),
    _("1, 3, 5 or 7: the owner, the owner's group, the group and its subgroups, everyone."),
)
LABELS = Input("label_ids", _("Labels"), _("A list of label IDs."))
CLOSE_DATE = Input("expected_close_date", _("Expected close"), _("A date such as 2026-12-01."))
CUSTOM_FIELDS = Input(
    "custom_fields",
    _("Custom fields"),
    _("An object with field keys of 40 characters and their values."),
)


@dataclass(frozen=True, slots=True)
class RecordKind:
    """One kind of record, such as deal.

    `required_input` is the input that a new record must have; of the inputs in
    `required_alternatives` it needs at least one.
    """

    key: str
    create_label: str
    change_label: str
    path: str
    permissions: Mapping[str, str]
    inputs: tuple[Input, ...]
    example: Mapping[str, Any]
    change_example: Mapping[str, Any]  # an example of changing one
    required_input: str
    required_alternatives: tuple[str, ...] = ()
    change_method: Literal["PATCH", "PUT"] = "PATCH"
    # custom fields are an object of their own; False: they are beside the other fields
    nests_custom_fields: bool = True
    delivery_id_field: str = ""  # the field that keeps the delivery's id, where it has one

    @property
    def object_key(self) -> str:
        """Return the kind's key in the schema, which is the name in its API path."""
        return self.path.partition("/")[2]

    @property
    def tokens(self) -> int:
        """Return how many tokens of the daily budget the creation or change of a record costs."""
        return 10 if self.path.startswith("v1/") else 5


RECORD_KINDS = (
    RecordKind(
        key="person",
        create_label=_("Create a person"),
        change_label=_("Update a person"),
        path="v2/persons",
        permissions={"contacts:full": _("to write persons")},
        required_input="name",
        inputs=(
            Input("name", _("Name"), _("The full name.")),
            Input(
                "emails",
                _("E-mail addresses"),
                _("A list of objects with value and optionally label and primary."),
            ),
            Input(
                "phones",
                _("Phone numbers"),
                _("A list of objects with value and optionally label and primary."),
            ),
            ORGANIZATION,
            OWNER,
            LABELS,
            VISIBILITY,
            Input(
                "marketing_status",
                _("Marketing"),
                _("no_consent, unsubscribed, subscribed or archived."),
            ),
            CUSTOM_FIELDS,
        ),
        example={
            "name": "data.customer",
            "emails": "[{value: data.email, primary: `true`}][?value]",
        },
        change_example={"emails": "[{value: data.email, primary: `true`}][?value]"},
    ),
    RecordKind(
        key="organization",
        create_label=_("Create an organization"),
        change_label=_("Update an organization"),
        path="v2/organizations",
        permissions={"contacts:full": _("to write organizations")},
        required_input="name",
        inputs=(
            Input("name", _("Name"), _("Name of the organization.")),
            Input("address", _("Address"), _("An object with value: the full address as text.")),
            OWNER,
            LABELS,
            VISIBILITY,
            CUSTOM_FIELDS,
        ),
        example={"name": "data.customer"},
        change_example={"name": "data.customer"},
    ),
    RecordKind(
        key="deal",
        create_label=_("Create a deal"),
        change_label=_("Update a deal"),
        path="v2/deals",
        permissions={"deals:full": _("to write deals")},
        required_input="title",
        inputs=(
            Input("title", _("Title"), _("Title of the deal.")),
            Input("value", _("Value"), _("A number.")),
            Input(
                "currency",
                _("Currency"),
                _("A currency such as EUR. Default: the company's currency."),
            ),
            PERSON,
            ORGANIZATION,
            Input("pipeline_id", _("Pipeline"), _("ID of a pipeline. Default: the first one.")),
            Input(
                "stage_id", _("Stage"), _("ID of a stage. Default: the first one of the pipeline.")
            ),
            Input("status", _("Status"), _("open, won or lost.")),
            Input("probability", _("Probability"), _("A percentage.")),
            Input("lost_reason", _("Lost reason"), _("Only if the status is lost.")),
            CLOSE_DATE,
            OWNER,
            LABELS,
            VISIBILITY,
            CUSTOM_FIELDS,
        ),
        example={
            "title": "join('', ['Order ', to_string(data.number), ' from ', data.customer])",
            "value": "data.total",
            "currency": "data.currency",
        },
        change_example={"value": "data.total", "status": "'won'"},
    ),
    RecordKind(
        key="lead",
        create_label=_("Create a lead"),
        change_label=_("Update a lead"),
        path="v1/leads",
        permissions={"leads:full": WRITES_LEADS},
        required_input="title",
        required_alternatives=("person_id", "organization_id"),
        nests_custom_fields=False,
        delivery_id_field="origin_id",
        inputs=(
            Input("title", _("Title"), _("Title of the lead.")),
            PERSON,
            Input("organization_id", _("Organization"), _("ID of an organization.")),
            Input("value", _("Value"), _("An object with amount and currency.")),
            CLOSE_DATE,
            OWNER,
            LABELS,
            Input("visible_to", _("Visible to"), _("Text: '1', '3', '5' or '7'.")),
            Input("was_seen", _("Seen"), _("true: the lead has been seen.")),
            Input(
                "origin_id",
                _("Origin"),
                _("Default: the ID of the delivery, which helps to find duplicates."),
            ),
            Input("channel", _("Channel"), _("ID of a marketing channel.")),
            Input("channel_id", _("Campaign"), _("Text with details of the channel.")),
            CUSTOM_FIELDS,
        ),
        example={
            "title": "join('', ['Order ', to_string(data.number)])",
            "person_id": "`1`",
            "value": {"amount": "data.total", "currency": "data.currency"},
        },
        change_example={"value": {"amount": "data.total", "currency": "data.currency"}},
    ),
    RecordKind(
        key="activity",
        create_label=_("Create an activity"),
        change_label=_("Update an activity"),
        path="v2/activities",
        permissions={"activities:full": WRITES_ACTIVITIES},
        required_input="subject",
        inputs=(
            Input("subject", _("Subject"), _("Subject of the activity.")),
            Input("type", _("Type"), _("Key of a type, such as call, task or meeting.")),
            Input("due_date", _("Due"), _("A date such as 2026-12-01.")),
            Input("due_time", _("Due at"), _("In UTC, such as 09:30.")),
            Input("duration", _("Duration"), _("For example 00:15.")),
            Input("done", _("Done"), _("true or false.")),
            Input("busy", _("Busy"), _("true: the calendar shows the owner as busy.")),
            Input("note", _("Note"), _("HTML, visible to the company's users.")),
            Input("public_description", _("Description"), _("Also visible to guests.")),
            Input(
                "participants",
                _("Persons"),
                _("A list of objects with person_id, one of them with primary."),
            ),
            Input("attendees", _("Guests"), _("A list of objects with email and optionally name.")),
            Input("location", _("Place"), _("An object with value: the full address as text.")),
            Input("priority", _("Priority"), _("ID of a priority.")),
            DEAL,
            LEAD,
            ORGANIZATION,
            OWNER,
        ),
        example={
            "subject": "join('', ['Call about order ', to_string(data.number)])",
            "type": "'call'",
        },
        change_example={"done": "`true`"},
    ),
    RecordKind(
        key="note",
        create_label=_("Create a note"),
        change_label=_("Update a note"),
        path="v1/notes",
        permissions={"deals:full": _("to write notes")},
        required_input="content",
        required_alternatives=("deal_id", "person_id", "org_id", "lead_id"),
        change_method="PUT",
        inputs=(
            Input("content", _("Content"), _("HTML; Pipedrive removes unsupported elements.")),
            DEAL,
            PERSON,
            ORGANIZATION,
            LEAD,
            Input("pinned_to_deal_flag", _("Pinned to the deal"), _("1 or 0.")),
            Input("pinned_to_person_flag", _("Pinned to the person"), _("1 or 0.")),
            Input("pinned_to_organization_flag", _("Pinned to the organization"), _("1 or 0.")),
        ),
        example={
            "content": "join('', ['Order ', to_string(data.number), ' has arrived.'])",
            "deal_id": "`1`",
        },
        change_example={"content": "join('', ['Order ', to_string(data.number), ' has arrived.'])"},
    ),
)
