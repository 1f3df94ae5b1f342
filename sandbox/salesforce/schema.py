"""The objects of an org and their fields: what Salesforce ships, and what the world adds."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sandbox.salesforce.accounts import Org


@dataclass(frozen=True)
class Field:
    name: str
    type: str = "string"
    length: int = 0
    required: bool = False
    external_id: bool = False
    unique: bool = False
    writable: bool = True
    label: str = ""
    refers: str = ""  # of a reference: the object that it names; empty: any
    values: tuple[str, ...] = ()  # of a picklist
    restricted: bool = True  # other values of a picklist are refused

    @property
    def title(self) -> str:
        """The label that people read."""
        return self.label or self.name.removesuffix("__c").replace("_", " ")


@dataclass(frozen=True)
class Object:
    name: str
    prefix: str  # of its ids
    fields: dict[str, Field]  # by lower-case name: Salesforce does not mind case
    read_only: bool = False

    @property
    def label(self) -> str:
        return self.name.removesuffix("__c").replace("_", " ")

    def field(self, name: str) -> Field | None:
        return self.fields.get(name.lower())

    @property
    def title(self) -> str:
        """The field that names a record to people."""
        return next(name for name in ("Name", "Subject", "OrderNumber", "Id") if self.field(name))


def texts(length: int, *names: str) -> list[Field]:
    return [Field(name, length=length) for name in names]


def kinds(type: str, *names: str) -> list[Field]:
    return [Field(name, type) for name in names]


STAGES = (
    "Prospecting",
    "Qualification",
    "Needs Analysis",
    "Value Proposition",
    "Id. Decision Makers",
    "Perception Analysis",
    "Proposal/Price Quote",
    "Negotiation/Review",
    "Closed Won",
    "Closed Lost",
)
ORDER_STATES = ("Draft", "Activated")
ADDRESS = ("Street", "City", "State", "PostalCode", "Country")
SYSTEM = [
    Field("Id", "id", 18, writable=False),
    Field("IsDeleted", "boolean", writable=False),
    *[
        Field(name, "datetime", writable=False)
        for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp")
    ],
    *[
        Field(name, "reference", 18, writable=False, refers="User")
        for name in ("CreatedById", "LastModifiedById")
    ],
    Field("OwnerId", "reference", 18, refers="User"),
]
KEYS = [
    Field("External_Id__c", length=255, external_id=True, unique=True),
    Field("Hub_Key__c", length=255, external_id=True),
]
PERSON = [
    *texts(40, "FirstName"),
    Field("LastName", length=80, required=True),
    Field("Name", length=121, writable=False),
    Field("Email", "email", 80),
    Field("Phone", "phone", 40),
    *texts(128, "Title"),
    *texts(32000, "Description"),
]
ACCOUNT = Field("AccountId", "reference", 18, refers="Account")
ORGANIZATION = Object(
    "Organization",
    "00D",
    {
        field.name.lower(): field
        for field in (
            Field("Id", "id", 18, writable=False),
            Field("Name", length=80, writable=False),
            Field("IsSandbox", "boolean", writable=False),
        )
    },
    read_only=True,
)
# the user who authorized us, and those that the control plants
USER = Object(
    "User",
    "005",
    {
        field.name.lower(): field
        for field in (
            Field("Id", "id", 18, writable=False),
            *(
                Field(name, length=length, writable=False)
                for name, length in (
                    *(("Username", 80), ("Name", 121), ("FirstName", 40), ("LastName", 80)),
                    *(("Alias", 8), ("FederationIdentifier", 512), ("UserType", 40)),
                )
            ),
            Field("Email", "email", 128, writable=False),
            Field("IsActive", "boolean", writable=False),
            *(field for field in SYSTEM if field.type == "datetime"),
        )
    },
    read_only=True,
)
STANDARD: dict[str, tuple[str, list[Field]]] = {
    "Account": (
        "001",
        [
            Field("Name", length=255, required=True),
            *texts(40, "Type", "Industry", "AccountNumber", "Phone"),
            *texts(255, "Website", *(f"Billing{part}" for part in ADDRESS)),
            *texts(32000, "Description"),
            Field("AnnualRevenue", "double"),
            Field("NumberOfEmployees", "int"),
        ],
    ),
    "Contact": (
        "003",
        [
            *PERSON,
            ACCOUNT,
            *texts(255, *(f"Mailing{part}" for part in ADDRESS)),
        ],
    ),
    "Lead": (
        "00Q",
        [
            *PERSON,
            Field("Company", length=255, required=True),
            *texts(255, *ADDRESS),
            *texts(40, "Status", "LeadSource", "Industry", "Rating"),
            Field("Website", "url", 255),
            Field("AnnualRevenue", "double"),
            Field("NumberOfEmployees", "int"),
        ],
    ),
    "Opportunity": (
        "006",
        [
            Field("Name", length=120, required=True),
            Field("StageName", "picklist", 255, required=True, values=STAGES, restricted=False),
            Field("CloseDate", "date", required=True),
            *kinds("double", "Amount", "Probability"),
            ACCOUNT,
            *texts(40, "Type", "LeadSource", "CurrencyIsoCode"),
            *texts(32000, "Description"),
        ],
    ),
    "Case": (
        "500",
        [
            *texts(255, "Subject"),
            *texts(32000, "Description"),
            *texts(40, "Status", "Priority", "Origin", "Type"),
            ACCOUNT,
            Field("ContactId", "reference", 18, refers="Contact"),
            *texts(80, "SuppliedName", "SuppliedEmail"),
        ],
    ),
    "Order": (
        "801",
        [
            replace(ACCOUNT, required=True),
            Field("EffectiveDate", "date", required=True),
            Field("Status", "picklist", 255, required=True, values=ORDER_STATES, restricted=False),
            *texts(80, "Name", "PoNumber", "OrderReferenceNumber"),
            *texts(32000, "Description"),
            *kinds("double", "TotalAmount"),
        ],
    ),
}
ADDED = {"name", "label", "type", "length", "required", "external_id", "unique", "values"}
ADDED |= {"restricted", "refers"}


def objects(org: Org) -> dict[str, Object]:
    """By lower-case name; without those that the control has removed."""
    kinds = list_known_objects(org)
    removed = {
        change["object"].lower()
        for change in org.schema_changes
        if change["change"] == "remove_object"
    }
    return {name: kind for name, kind in kinds.items() if name not in removed}


def list_known_objects(org: Org) -> dict[str, Object]:
    """By lower-case name, removed ones among them."""
    objects = {"organization": ORGANIZATION, "user": USER}
    for number, name in enumerate(
        [*STANDARD, *(name for name in org.fields if name not in STANDARD)]
    ):
        prefix, shipped = STANDARD.get(name, (f"a{number:02d}", [Field("Name", length=80)]))
        objects[name.lower()] = Object(
            name,
            prefix,
            by_name([*SYSTEM, *shipped, *KEYS, *build_added_fields(org.fields.get(name, []))]),
        )
    for change in org.schema_changes:
        if change["change"] == "remove_object":
            continue
        kind = objects[change["object"].lower()]
        changed = apply_change(kind.fields, change)
        objects[kind.name.lower()] = replace(kind, fields=changed)
    return objects


def apply_change(fields: dict[str, Field], change: dict[str, Any]) -> dict[str, Field]:
    """The fields of an object after a change that the control has checked."""
    if change["change"] == "add":
        return fields | by_name([build_added_field({"name": change["field"], **change})])
    if change["change"] == "reorder":
        return dict(reversed(fields.items()))
    name = change["field"].lower()
    if change["change"] == "remove":
        return {key: field for key, field in fields.items() if key != name}
    changed = apply_field_change(fields[name], change)
    return by_name(changed if key == name else field for key, field in fields.items())


def apply_field_change(field: Field, change: dict[str, Any]) -> Field:
    values = field.values
    match change["change"]:
        case "rename":
            return replace(field, name=change["to"], label=change.get("label") or field.title)
        case "relabel":
            return replace(field, label=change["label"])
        case "require":
            return replace(field, required=change.get("required", True))
        case "add_picklist_value":
            return replace(field, values=(*values, change["value"]))
        case "remove_picklist_value":  # from now on, the org restricts the field to its values
            remaining_values = tuple(value for value in values if value != change["value"])
            return replace(field, values=remaining_values, restricted=True)
    stated = {"name": field.name, "label": field.label, "required": field.required}
    return build_added_field({**stated, **change})


def build_added_fields(entries: Iterable[dict[str, Any]]) -> list[Field]:
    return [build_added_field(entry) for entry in entries]


def build_added_field(entry: dict[str, Any]) -> Field:
    attributes = {key: value for key, value in entry.items() if key in ADDED}
    field = Field(**attributes | {"values": tuple(attributes.get("values", ()))})
    return field if field.length or field.type != "string" else replace(field, length=255)


def by_name(fields: Iterable[Field]) -> dict[str, Field]:
    return {field.name.lower(): field for field in fields}
