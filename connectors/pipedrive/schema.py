"""The kinds of records in Pipedrive, and their fields; the actions are made from this data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from connectors.i18n import _
from connectors.schema import Input

OWNER = Input(
    "owner_id", _("Owner"), "The number of a user; otherwise it is who connected the account."
)
PERSON = Input("person_id", _("Person"), "The number of a person.")
ORGANIZATION = Input("org_id", _("Organization"), "The number of an organization.")
DEAL = Input("deal_id", _("Deal"), "The number of a deal.")
LEAD = Input("lead_id", _("Lead"), "The id of a lead.")
VISIBLE = Input(
    "visible_to",
    _("Visible to"),
    "1, 3, 5 or 7: the owner, the owner's group, those below too, everybody.",
)
LABELS = Input("label_ids", _("Labels"), "A list of ids of labels.")
CLOSES = Input("expected_close_date", _("Expected close"), "A day such as 2026-12-01.")
CUSTOM = Input(
    "custom_fields",
    _("Custom fields"),
    "An object of the fields' keys, 40 characters each, and their values.",
)


@dataclass(frozen=True, slots=True)
class RecordKind:
    """One kind of record.

    `needs` is the input that a new record must have; of the inputs in `needs_one` it needs at least
    one.
    """

    key: str
    creates: str
    changes: str
    path: str
    permissions: Mapping[str, str]
    inputs: tuple[Input, ...]
    example: Mapping[str, Any]
    change: Mapping[str, Any]  # an example of changing one
    needs: str
    needs_one: tuple[str, ...] = ()
    changed_by: Literal["PATCH", "PUT"] = "PATCH"
    # custom fields are an object of their own; False: they are beside the other fields
    custom_inside: bool = True
    marked: str = ""  # the field that keeps the delivery's id, where it has one

    @property
    def tokens(self) -> int:
        """The tokens of the daily budget that creating or changing a record costs."""
        return 10 if self.path.startswith("v1/") else 5


RECORD_KINDS = (
    RecordKind(
        key="person",
        creates=_("Create a person"),
        changes=_("Change a person"),
        path="v2/persons",
        permissions={"contacts:full": "to write persons"},
        needs="name",
        inputs=(
            Input("name", _("Name"), "The whole name."),
            Input(
                "emails",
                _("E-mail addresses"),
                "A list of objects with value, and label and primary where wanted.",
            ),
            Input(
                "phones",
                _("Phone numbers"),
                "A list of objects with value, and label and primary where wanted.",
            ),
            ORGANIZATION,
            OWNER,
            LABELS,
            VISIBLE,
            Input(
                "marketing_status",
                _("Marketing"),
                "no_consent, unsubscribed, subscribed or archived.",
            ),
            CUSTOM,
        ),
        example={
            "name": "data.customer",
            "emails": "[{value: data.email, primary: `true`}][?value]",
        },
        change={"emails": "[{value: data.email, primary: `true`}][?value]"},
    ),
    RecordKind(
        key="organization",
        creates=_("Create an organization"),
        changes=_("Change an organization"),
        path="v2/organizations",
        permissions={"contacts:full": "to write organizations"},
        needs="name",
        inputs=(
            Input("name", _("Name"), "Of the organization."),
            Input("address", _("Address"), "An object with value, the whole address as text."),
            OWNER,
            LABELS,
            VISIBLE,
            CUSTOM,
        ),
        example={"name": "data.customer"},
        change={"name": "data.customer"},
    ),
    RecordKind(
        key="deal",
        creates=_("Create a deal"),
        changes=_("Change a deal"),
        path="v2/deals",
        permissions={"deals:full": "to write deals"},
        needs="title",
        inputs=(
            Input("title", _("Title"), "What the deal is called."),
            Input("value", _("Value"), "A number."),
            Input("currency", _("Currency"), "Such as EUR; otherwise the company's own."),
            PERSON,
            ORGANIZATION,
            Input("pipeline_id", _("Pipeline"), "The number of a pipeline; otherwise the first."),
            Input("stage_id", _("Stage"), "The number of a stage; otherwise the pipeline's first."),
            Input("status", _("Status"), "open, won or lost."),
            Input("probability", _("Probability"), "A number of percent."),
            Input("lost_reason", _("Why lost"), "Only where the status is lost."),
            CLOSES,
            OWNER,
            LABELS,
            VISIBLE,
            CUSTOM,
        ),
        example={
            "title": "join('', ['Order ', to_string(data.number), ' from ', data.customer])",
            "value": "data.total",
            "currency": "data.currency",
        },
        change={"value": "data.total", "status": "'won'"},
    ),
    RecordKind(
        key="lead",
        creates=_("Create a lead"),
        changes=_("Change a lead"),
        path="v1/leads",
        permissions={"leads:full": "to write leads"},
        needs="title",
        needs_one=("person_id", "organization_id"),
        custom_inside=False,
        marked="origin_id",
        inputs=(
            Input("title", _("Title"), "What the lead is called."),
            PERSON,
            Input("organization_id", _("Organization"), "The number of an organization."),
            Input("value", _("Value"), "An object with amount and currency."),
            CLOSES,
            OWNER,
            LABELS,
            Input("visible_to", _("Visible to"), "Text: '1', '3', '5' or '7'."),
            Input("was_seen", _("Seen"), "true: somebody has looked at it."),
            Input(
                "origin_id", _("Origin"), "Otherwise the id of the delivery, which tells a double."
            ),
            Input("channel", _("Channel"), "The number of a marketing channel."),
            Input("channel_id", _("Campaign"), "Text that tells the channel further."),
            CUSTOM,
        ),
        example={
            "title": "join('', ['Order ', to_string(data.number)])",
            "person_id": "`1`",
            "value": {"amount": "data.total", "currency": "data.currency"},
        },
        change={"value": {"amount": "data.total", "currency": "data.currency"}},
    ),
    RecordKind(
        key="activity",
        creates=_("Create an activity"),
        changes=_("Change an activity"),
        path="v2/activities",
        permissions={"activities:full": "to write activities"},
        needs="subject",
        inputs=(
            Input("subject", _("Subject"), "What is to be done."),
            Input("type", _("Type"), "The key of a type, such as call, task or meeting."),
            Input("due_date", _("Due"), "A day such as 2026-12-01."),
            Input("due_time", _("Due at"), "In UTC, such as 09:30."),
            Input("duration", _("Duration"), "Such as 00:15."),
            Input("done", _("Done"), "true or false."),
            Input("busy", _("Busy"), "true: the calendar shows the owner as busy."),
            Input("note", _("Note"), "HTML, seen by the company's users."),
            Input("public_description", _("Description"), "Seen by the guests, too."),
            Input(
                "participants",
                _("Persons"),
                "A list of objects with person_id, and primary for one of them.",
            ),
            Input("attendees", _("Guests"), "A list of objects with email, and name where known."),
            Input("location", _("Place"), "An object with value, the whole address as text."),
            Input("priority", _("Priority"), "The number of a priority."),
            DEAL,
            LEAD,
            ORGANIZATION,
            OWNER,
        ),
        example={
            "subject": "join('', ['Call about order ', to_string(data.number)])",
            "type": "'call'",
        },
        change={"done": "`true`"},
    ),
    RecordKind(
        key="note",
        creates=_("Create a note"),
        changes=_("Change a note"),
        path="v1/notes",
        permissions={"deals:full": "to write notes"},
        needs="content",
        needs_one=("deal_id", "person_id", "org_id", "lead_id"),
        changed_by="PUT",
        inputs=(
            Input("content", _("Content"), "HTML; what is not allowed is taken out there."),
            DEAL,
            PERSON,
            ORGANIZATION,
            LEAD,
            Input("pinned_to_deal_flag", _("Pinned to the deal"), "1 or 0."),
            Input("pinned_to_person_flag", _("Pinned to the person"), "1 or 0."),
            Input("pinned_to_organization_flag", _("Pinned to the organization"), "1 or 0."),
        ),
        example={
            "content": "join('', ['Order ', to_string(data.number), ' has arrived.'])",
            "deal_id": "`1`",
        },
        change={"content": "join('', ['Order ', to_string(data.number), ' has arrived.'])"},
    ),
)
