"""Families of webhook authentication, described by their parameters: a connector states data."""

import re
from dataclasses import dataclass
from typing import Literal

from connectors.http import KIBIBYTE
from connectors.signatures.signed_content import TemplateError, template_fields
from connectors.webhook_request import WebhookRequest

Algorithm = Literal["sha1", "sha256", "sha512"]
Encoding = Literal["hex", "base64"]
SecretEncoding = Literal["text", "base64", "hex"]
TimestampUnit = Literal["seconds", "milliseconds", "rfc3339"]
TimestampOf = Literal["attempt", "event"]
Location = Literal["header", "query", "path", "basic"]

DIGEST_BYTES = {"sha1": 20, "sha256": 32, "sha512": 64}
ENCODINGS = ("hex", "base64")
SECRET_ENCODINGS = ("text", "base64", "hex")
TIMESTAMP_UNITS = ("seconds", "milliseconds", "rfc3339")
TIMESTAMPS_OF = ("attempt", "event")
SEPARATORS = ("", " ", ",", ";")
LOCATIONS = ("header", "query", "path", "basic")

MAX_BODY_BYTES = 1024 * KIBIBYTE  # bytes
MIN_SECRET_BYTES = 16  # bytes
MAX_TOLERANCE_SECONDS = 3600  # seconds
HEADER_PATTERN = re.compile(r"[A-Za-z0-9-]{1,64}")
PREFIX_PATTERN = re.compile(r"[ -~]{0,32}")
PARAMETER_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,64}")
ELEMENT_PATTERN = re.compile(r"[A-Za-z0-9_]{1,32}")


class SchemeError(ValueError):
    """Parameters of a scheme cannot be used. `errors`: a text for each parameter at fault."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureScheme:
    """A signature in a header. Raises SchemeError for parameters that contradict each other."""

    header: str
    # a template of the signed bytes, of text and {method} {url} {id} {timestamp} {body} {form}
    signed: str = "{body}"
    encoding: Encoding = "hex"  # of the signature; hexadecimal digits are lower case
    prefix: str = ""  # before each signature; others are ignored in a header with several
    separator: str = ""  # between several signatures in the header; empty: it has exactly one
    # where the timestamp is: in a header of its own, or `t` for `t=…` in the signature header
    timestamp_header: str = ""
    timestamp_element: str = ""
    timestamp_unit: TimestampUnit = "seconds"
    timestamp_of: TimestampOf = "attempt"  # an event's is the same in all attempts
    tolerance: int = 300  # seconds, into the past and into the future
    id_header: str = ""
    key_id_header: str = ""  # names the secret, for providers that send it
    secret_encoding: SecretEncoding = "text"
    secret_prefix: str = ""  # removed from the secret before it is decoded
    secret_bytes_min: int = MIN_SECRET_BYTES  # bytes, decoded
    body_bytes_max: int = MAX_BODY_BYTES
    methods: tuple[str, ...] = ("POST",)

    def __post_init__(self) -> None:
        if errors := find_parameter_errors(self):
            raise SchemeError(errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class HmacScheme(SignatureScheme):
    """An HMAC of the signed content.

    `port_variants`: the provider may sign the URL with or without its default port (Twilio).
    `alternative`: the same scheme with other names of headers, for a request that has those.
    """

    algorithm: Algorithm = "sha256"
    port_variants: bool = False
    alternative: "HmacScheme | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ed25519Scheme(SignatureScheme):
    """An Ed25519 signature of the signed content; the secret is the provider's public key."""

    secret_encoding: SecretEncoding = "hex"
    secret_bytes_min: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSecretScheme:
    """The secret itself in the request: it authenticates the sender and leaves the body unsigned.

    In a header after `prefix`, in a query parameter, as the last part of the path, or as
    `user:password` in HTTP Basic (RFC 7617, UTF-8).
    """

    location: Location
    name: str = ""  # of the header or the query parameter
    prefix: str = ""  # before the secret in the header, such as "Bearer "
    secret_bytes_min: int = MIN_SECRET_BYTES  # bytes
    body_bytes_max: int = MAX_BODY_BYTES
    methods: tuple[str, ...] = ("POST",)

    def __post_init__(self) -> None:
        errors = {}
        if self.location not in LOCATIONS:
            errors["location"] = "one of " + ", ".join(LOCATIONS)
        if self.location == "header" and not HEADER_PATTERN.fullmatch(self.name):
            errors["name"] = "1 to 64 letters, digits and hyphens"
        if self.location == "query" and not PARAMETER_PATTERN.fullmatch(self.name):
            errors["name"] = "1 to 64 letters, digits, dots, hyphens and underscores"
        if errors:
            raise SchemeError(errors)


Scheme = HmacScheme | Ed25519Scheme | SharedSecretScheme


def choose_scheme(scheme: Scheme, request: WebhookRequest) -> Scheme:
    """Return the alternative of a scheme for a request that has its headers only."""
    if not isinstance(scheme, HmacScheme) or scheme.alternative is None:
        return scheme
    names = (scheme.header, scheme.alternative.header)
    has_own, has_alternative = (bool(request.header_values(name)) for name in names)
    return scheme.alternative if has_alternative and not has_own else scheme


def find_parameter_errors(scheme: SignatureScheme) -> dict[str, str]:
    """Return a text for each parameter that cannot be used; an empty dict if all can."""
    return (
        _find_header_errors(scheme)
        | _find_choice_errors(scheme)
        | _find_list_errors(scheme)
        | _find_template_errors(scheme)
    )


def _find_header_errors(scheme: SignatureScheme) -> dict[str, str]:
    headers = {
        "timestamp_header": scheme.timestamp_header,
        "id_header": scheme.id_header,
        "key_id_header": scheme.key_id_header,
    }
    headers = {name: value for name, value in headers.items() if value}
    return {
        name: "1 to 64 letters, digits and hyphens"
        for name, value in ({"header": scheme.header} | headers).items()
        if not HEADER_PATTERN.fullmatch(value)
    }


def _find_choice_errors(scheme: SignatureScheme) -> dict[str, str]:
    choices: dict[str, tuple[str, tuple[str, ...]]] = {
        "encoding": (scheme.encoding, ENCODINGS),
        "secret_encoding": (scheme.secret_encoding, SECRET_ENCODINGS),
        "timestamp_unit": (scheme.timestamp_unit, TIMESTAMP_UNITS),
        "timestamp_of": (scheme.timestamp_of, TIMESTAMPS_OF),
    }
    if isinstance(scheme, HmacScheme):
        choices["algorithm"] = (scheme.algorithm, tuple(DIGEST_BYTES))
    errors = {
        name: "one of " + ", ".join(allowed)
        for name, (value, allowed) in choices.items()
        if value not in allowed
    }
    if not 1 <= scheme.tolerance <= MAX_TOLERANCE_SECONDS:
        errors["tolerance"] = f"1 to {MAX_TOLERANCE_SECONDS} seconds"
    return errors


def _find_list_errors(scheme: SignatureScheme) -> dict[str, str]:
    """Return errors of the form of the signature header."""
    errors = {}
    if not PREFIX_PATTERN.fullmatch(scheme.prefix):
        errors["prefix"] = "at most 32 printable ASCII characters"
    elif scheme.separator and {" ", scheme.separator} & set(scheme.prefix):
        errors["prefix"] = "without spaces and the separator"
    if scheme.separator not in SEPARATORS:
        errors["separator"] = "empty, a space, a comma or a semicolon"
    return errors | _find_element_errors(scheme)


def _find_element_errors(scheme: SignatureScheme) -> dict[str, str]:
    """Return errors of a timestamp in the signature header."""
    if not scheme.timestamp_element:
        return {}
    if not ELEMENT_PATTERN.fullmatch(scheme.timestamp_element):
        return {"timestamp_element": "1 to 32 letters, digits and underscores"}
    if scheme.timestamp_header:
        return {"timestamp_element": "not together with a timestamp header"}
    if not scheme.separator:
        return {"separator": "required with a timestamp in the signature header"}
    if not scheme.prefix:
        return {"prefix": "required with a timestamp in the signature header"}
    return {}


def _find_template_errors(scheme: SignatureScheme) -> dict[str, str]:
    """Return the errors of the template: all that is read must be signed, and vice versa."""
    try:
        fields = template_fields(scheme.signed)
    except TemplateError as error:
        return {"signed": str(error)}
    if ("timestamp" in fields) != bool(scheme.timestamp_header or scheme.timestamp_element):
        return {"signed": "the field timestamp, exactly if the request contains a timestamp"}
    if ("id" in fields) != bool(scheme.id_header):
        return {"signed": "the field id, exactly if there is an id header"}
    return {}
