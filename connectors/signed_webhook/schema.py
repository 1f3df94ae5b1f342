"""The fields by which a person describes a sender, and what its settings mean."""

import re
from collections.abc import Mapping
from typing import Any

from connectors.i18n import _
from connectors.schema import Field
from connectors.signatures import (
    STANDARD_WEBHOOKS,
    Scheme,
    SchemeError,
    scheme_from_settings,
)

SIGNING_SECRET = "signing_secret"
CUSTOM = "custom"
MAX_TOLERANCE_SECONDS = 3600  # seconds
HEADER_PATTERN = r"[A-Za-z0-9-]{1,64}"
PATH_PATTERN = r"[A-Za-z0-9_$-]{1,64}(\.[A-Za-z0-9_$-]{1,64}){0,9}"
SEPARATORS: Mapping[str, str] = {"none": "", "space": " ", "comma": ",", "semicolon": ";"}
# parameters of a custom scheme that are settings of the same name
TEXT_PARAMETERS = (
    "header",
    "algorithm",
    "signed",
    "encoding",
    "prefix",
    "timestamp_header",
    "timestamp_element",
    "timestamp_unit",
    "timestamp_of",
    "id_header",
    "key_id_header",
    "secret_encoding",
    "secret_prefix",
)


def _build_header_field(key: str, label: str, help: str) -> Field:
    return Field(key, label, help, required=False, pattern=HEADER_PATTERN)


def _build_choice_field(
    key: str, label: str, help: str, choices: tuple[tuple[str, str], ...]
) -> Field:
    return Field(
        key, label, help, required=False, kind="choice", default=choices[0][0], choices=choices
    )


SENDER_FIELDS = (
    _build_choice_field(
        "preset",
        _("Signature"),
        _("How the sender signs. Choose Custom to describe another HMAC below."),
        (
            ("standard_webhooks", "Standard Webhooks"),
            ("github", "GitHub"),
            ("stripe", "Stripe"),
            ("shopify", "Shopify"),
            ("slack", "Slack"),
            ("twilio", "Twilio"),
            (CUSTOM, _("Custom")),
        ),
    ),
    Field(
        SIGNING_SECRET,
        _("Signing secret"),
        _("As the sender shows it. Leave empty to generate one that the sender accepts as whsec_…"),
        secret=True,
        required=False,
    ),
)
ITEM_FIELDS = (
    Field(
        "type_path",
        _("Event type"),
        _("The path of the event type in the JSON body, such as data.event. Empty: type."),
        required=False,
        pattern=PATH_PATTERN,
    ),
    _build_header_field(
        "item_id_header",
        _("Header of the event ID"),
        _(
            "Such as X-GitHub-Delivery. It is shown with each webhook, so that you find the same "
            "one at the sender. Only a signed ID tells that a webhook was received before."
        ),
    ),
    Field(
        "item_id_path",
        _("Path of the event ID"),
        _(
            "The path of the event ID in the JSON body, such as data.id. Empty: the ID that is "
            "signed, otherwise the signed content."
        ),
        required=False,
        pattern=PATH_PATTERN,
    ),
)
CUSTOM_FIELDS = (
    _build_header_field(
        "header", _("Custom: signature header"), _("Such as X-Signature. Only for Custom.")
    ),
    _build_choice_field(
        "algorithm",
        _("Custom: algorithm"),
        _("The hash of the HMAC."),
        (("sha256", "HMAC-SHA256"), ("sha512", "HMAC-SHA512"), ("sha1", "HMAC-SHA1")),
    ),
    Field(
        "signed",
        _("Custom: signed content"),
        _(
            "Text and the fields {method}, {url}, {id}, {timestamp}, {body} and {form}, such as "
            "{timestamp}.{body}. Empty: {body}."
        ),
        required=False,
    ),
    _build_choice_field(
        "encoding",
        _("Custom: encoding of the signature"),
        _("How the sender writes the bytes of the HMAC."),
        (("hex", _("Hexadecimal")), ("base64", "Base64")),
    ),
    Field(
        "prefix",
        _("Custom: prefix of the signature"),
        _("Such as sha256=."),
        required=False,
    ),
    _build_choice_field(
        "separator",
        _("Custom: separator of several signatures"),
        _("In one header."),
        (
            ("none", _("None: there is one signature")),
            ("space", _("Space")),
            ("comma", _("Comma")),
            ("semicolon", _("Semicolon")),
        ),
    ),
    _build_header_field(
        "timestamp_header", _("Custom: timestamp header"), _("If the timestamp is signed.")
    ),
    Field(
        "timestamp_element",
        _("Custom: timestamp in the signature header"),
        _("Such as t, if the signature header contains t=1764000000."),
        required=False,
    ),
    _build_choice_field(
        "timestamp_unit",
        _("Custom: format of the timestamp"),
        _("How the sender writes the time at which it signed."),
        (
            ("seconds", _("Unix time in seconds")),
            ("milliseconds", _("Unix time in milliseconds")),
            ("rfc3339", "RFC 3339"),
        ),
    ),
    _build_choice_field(
        "timestamp_of",
        _("Custom: meaning of the timestamp"),
        _("The time of the event keeps two events with the same content apart."),
        (
            ("attempt", _("When the request was sent: another one at each attempt")),
            ("event", _("When the event happened: the same at each attempt")),
        ),
    ),
    Field(
        "tolerance",
        _("Custom: tolerance in seconds"),
        _("How old a signed timestamp may be. Empty: 300."),
        required=False,
        kind="number",
        maximum=MAX_TOLERANCE_SECONDS,
    ),
    _build_header_field("id_header", _("Custom: message ID header"), _("If the ID is signed.")),
    _build_header_field(
        "key_id_header", _("Custom: key ID header"), _("If the sender names its key.")
    ),
    _build_choice_field(
        "secret_encoding",
        _("Custom: encoding of the secret"),
        _("How the sender shows the bytes of the secret."),
        (("text", _("Plain text")), ("base64", "Base64"), ("hex", _("Hexadecimal"))),
    ),
    Field(
        "secret_prefix",
        _("Custom: prefix of the secret"),
        _("Removed before the secret is decoded, such as whsec_."),
        required=False,
    ),
)
FIELDS = (*SENDER_FIELDS, *ITEM_FIELDS, *CUSTOM_FIELDS)


def build_scheme(settings: Mapping[str, Any]) -> Scheme:
    """Return the scheme that the settings describe. Raises SchemeError."""
    preset = settings.get("preset") or "standard_webhooks"
    if preset != CUSTOM:
        return scheme_from_settings({"preset": preset})
    parameters = {name: settings[name] for name in TEXT_PARAMETERS if settings.get(name)}
    separator = SEPARATORS.get(str(settings.get("separator") or "none"))
    if separator is None:
        raise SchemeError({"separator": "one of " + ", ".join(SEPARATORS)})
    if settings.get("tolerance"):
        parameters["tolerance"] = settings["tolerance"]
    return scheme_from_settings({"preset": CUSTOM, "separator": separator} | parameters)


def find_scheme(settings: Mapping[str, Any]) -> Scheme:
    """Return the scheme that the settings describe. Never raises.

    For settings that describe none, which staff may store, it is Standard Webhooks.
    """
    try:
        return build_scheme(settings)
    except SchemeError:
        return STANDARD_WEBHOOKS


def find_path_problem(settings: Mapping[str, Any]) -> str:
    """Return which path or header cannot be used, as text; empty if all can."""
    patterns = {
        "type_path": PATH_PATTERN,
        "item_id_path": PATH_PATTERN,
        "item_id_header": HEADER_PATTERN,
    }
    for name, pattern in patterns.items():
        value = settings.get(name)
        if value and not (isinstance(value, str) and re.fullmatch(pattern, value)):
            return f"{name}: not a path or header"
    return ""
