"""The kinds of records that a company has, and the fields of each that may be written, with their
types.
"""

from dataclasses import dataclass, field

CONTACT_SYNC = (
    "job_title",
    "notes",
    "im",
    "birthday",
    "postal_address",
)  # of persons; 403 without that feature


@dataclass(frozen=True)
class Kind:
    path: str
    version: str
    name: str
    scope: str
    title: str  # the field that people call it by; a new one must have it
    fields: dict[str, str]
    links: dict[str, str] = field(default_factory=dict)  # field → path of what it names
    linked_to: tuple[str, ...] = ()  # a new one must have one of these
    custom_of: str = ""  # the path whose custom fields it has
    changed_by: str = "PATCH"

    @property
    def strict(self) -> bool:
        """v2 takes numbers for numbers only, and knows custom fields inside an object of their
        own.
        """
        return self.version == "v2"


KINDS = {
    kind.path: kind
    for kind in (
        Kind(
            "persons",
            "v2",
            "Person",
            "contacts",
            "name",
            {
                "name": "text",
                "owner_id": "integer",
                "org_id": "integer",
                "emails": "values",
                "phones": "values",
                "visible_to": "visibility",
                "label_ids": "integers",
                "marketing_status": "marketing",
                "add_time": "moment",
                "update_time": "moment",
                **dict.fromkeys(CONTACT_SYNC, "contact_sync"),
            },
            links={"org_id": "organizations"},
            custom_of="persons",
        ),
        Kind(
            "organizations",
            "v2",
            "Organization",
            "contacts",
            "name",
            {
                "name": "text",
                "owner_id": "integer",
                "address": "object",
                "visible_to": "visibility",
                "label_ids": "integers",
                "add_time": "moment",
                "update_time": "moment",
            },
            custom_of="organizations",
        ),
        Kind(
            "deals",
            "v2",
            "Deal",
            "deals",
            "title",
            {
                "title": "text",
                "owner_id": "integer",
                "person_id": "integer",
                "org_id": "integer",
                "pipeline_id": "integer",
                "stage_id": "integer",
                "value": "number",
                "currency": "currency",
                "is_archived": "boolean",
                "status": "status",
                "probability": "percent",
                "lost_reason": "text",
                "visible_to": "visibility",
                "close_time": "moment",
                "won_time": "moment",
                "lost_time": "moment",
                "expected_close_date": "date",
                "label_ids": "integers",
            },
            links={"person_id": "persons", "org_id": "organizations"},
            custom_of="deals",
        ),
        Kind(
            "activities",
            "v2",
            "Activity",
            "activities",
            "subject",
            {
                "subject": "text",
                "type": "text",
                "owner_id": "integer",
                "deal_id": "integer",
                "lead_id": "text",
                "org_id": "integer",
                "due_date": "date",
                "due_time": "time",
                "duration": "duration",
                "busy": "boolean",
                "done": "boolean",
                "location": "object",
                "participants": "list",
                "attendees": "list",
                "public_description": "text",
                "priority": "integer",
                "note": "text",
            },
            links={"deal_id": "deals", "lead_id": "leads", "org_id": "organizations"},
        ),
        Kind(
            "leads",
            "v1",
            "Lead",
            "leads",
            "title",
            {
                "title": "text",
                "owner_id": "integer",
                "label_ids": "uuids",
                "person_id": "integer",
                "organization_id": "integer",
                "value": "money",
                "expected_close_date": "date",
                "visible_to": "visibility text",
                "was_seen": "boolean",
                "is_archived": "boolean",
                "origin_id": "text",
                "channel": "integer",
                "channel_id": "text",
            },
            links={"person_id": "persons", "organization_id": "organizations"},
            linked_to=("person_id", "organization_id"),
            custom_of="deals",
        ),
        Kind(
            "notes",
            "v1",
            "Note",
            "deals",
            "content",
            {
                "content": "text",
                "user_id": "integer",
                "lead_id": "text",
                "deal_id": "integer",
                "person_id": "integer",
                "org_id": "integer",
                "add_time": "text",
                **{
                    f"pinned_to_{owner}_flag": "flag"
                    for owner in ("lead", "deal", "person", "organization")
                },
            },
            links={
                "lead_id": "leads",
                "deal_id": "deals",
                "person_id": "persons",
                "org_id": "organizations",
            },
            linked_to=("lead_id", "deal_id", "person_id", "org_id"),
            changed_by="PUT",
        ),
    )
}
