"""The names of field types, for people."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TYPE_LABELS: Mapping[str, str | Promise] = {
    "text": _("text"),
    "number": _("number"),
    "boolean": _("yes or no"),
    "date": _("date"),
    "datetime": _("date and time"),
    "picklist": _("one of a list"),
    "multipicklist": _("several of a list"),
    "reference": _("reference to a record"),
    "email": _("e-mail address"),
    "phone": _("phone number"),
    "url": _("web address"),
    "id": _("ID"),
    "object": _("group of values"),
    "read-only": _("read only"),
}


def label_type(type_name: str) -> str:
    """Return the name of a field type in the active language."""
    return str(TYPE_LABELS.get(type_name, type_name))
