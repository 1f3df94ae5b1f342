"""The inputs of Salesforce's actions, and what their names and ids look like."""

import re

from connectors.i18n import _
from connectors.schema import Input

API_NAME_PATTERN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}", re.ASCII)
ID_PATTERN = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?", re.ASCII)
# a constant in a field mapping: 'Contact', or `"Contact"`
CONSTANT_NAME_PATTERN = re.compile(
    r"""(?P<quote>'|`")(?P<name>[A-Za-z][A-Za-z0-9_]{0,79})(?:'|"`)""", re.ASCII
)

OBJECT = Input(
    "object",
    _("Object"),
    _("The API name of the object, such as Contact or Order__c."),
    required=True,
    choice_kind="object",
)
FIELDS = Input(
    "fields",
    _("Fields"),
    _(
        "An object with API names of fields and their values. Fields that are missing in the "
        "event are not changed."
    ),
    required=True,
)
RECORD = Input(
    "record_id", _("Record"), _("The ID of the record, 15 or 18 characters."), required=True
)
EXTERNAL_FIELD = Input(
    "external_id_field", _("External id field"), _("The API name of the field."), required=True
)
EXTERNAL_ID = Input(
    "external_id",
    _("External id"),
    _("Our ID of the record, such as the order number."),
    required=True,
)
UNMODIFIED_SINCE = Input(
    "unmodified_since",
    _("Not changed since"),
    _("A time in ISO 8601: the record is changed only if nobody has changed it after that."),
)


def parse_constant_name(expression: str) -> str:
    """Return the API name if the expression is a constant that contains one, otherwise ""."""
    match = CONSTANT_NAME_PATTERN.fullmatch(expression.strip())
    return match["name"] if match else ""
