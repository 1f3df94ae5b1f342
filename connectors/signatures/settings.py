"""Build the scheme that a person describes by parameters, in a form or as JSON."""

from collections.abc import Mapping
from typing import Any

from connectors.http import Json
from connectors.signatures.presets import PRESETS
from connectors.signatures.schemes import HmacScheme, Scheme, SchemeError

CUSTOM = "custom"
TEXT_PARAMETERS = (
    "header",
    "algorithm",
    "signed",
    "encoding",
    "prefix",
    "separator",
    "timestamp_header",
    "timestamp_element",
    "timestamp_unit",
    "timestamp_of",
    "id_header",
    "key_id_header",
    "secret_encoding",
    "secret_prefix",
)
CHOICES = ("algorithm", "encoding", "timestamp_unit", "timestamp_of", "secret_encoding", "signed")


def scheme_from_settings(settings: Mapping[str, Json]) -> Scheme:
    """Return the scheme that the settings describe.

    `{"preset": "github"}` is a known scheme. `{"preset": "custom", "header": …}` is an HMAC with
    the parameters of HmacScheme: those in TEXT_PARAMETERS, and `tolerance` in whole seconds. A
    choice that is empty or left out has its default.
    Raises SchemeError with a text for each parameter at fault.
    """
    parameters = dict(settings)
    preset = parameters.pop("preset", None)
    if isinstance(preset, str) and preset in PRESETS:
        if parameters:
            raise SchemeError(dict.fromkeys(parameters, "a preset has no parameters"))
        return PRESETS[preset]
    if preset != CUSTOM:
        raise SchemeError({"preset": "one of " + ", ".join((*PRESETS, CUSTOM))})
    if errors := _find_type_errors(parameters):
        raise SchemeError(errors)
    values: dict[str, Any] = {
        name: value for name, value in parameters.items() if value != "" or name not in CHOICES
    }
    return HmacScheme(**values)


def _find_type_errors(parameters: Mapping[str, Json]) -> dict[str, str]:
    errors = {"header": "required"} if not parameters.get("header") else {}
    for name, value in parameters.items():
        if name == "tolerance":
            if type(value) is not int:
                errors[name] = "a whole number of seconds"
        elif name not in TEXT_PARAMETERS:
            errors[name] = "not a parameter of a scheme"
        elif not isinstance(value, str):
            errors[name] = "a text"
    return errors
