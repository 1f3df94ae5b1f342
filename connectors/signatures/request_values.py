"""Read signatures, timestamps and ids from a request; each must occur once, in one form."""

import re
from dataclasses import dataclass
from datetime import datetime

from connectors.signatures.schemes import SignatureScheme
from connectors.signatures.signed_content import literals_around_id
from connectors.signatures.verdicts import Cause, SignatureRejection
from connectors.webhook_request import WebhookRequest

MAX_HEADER_LENGTH = 8192  # characters
MAX_SIGNATURES = 10  # in one header; more are not examined
ITEM_NAME, ITEM_VALUE = r"[A-Za-z0-9_-]+", r"[A-Za-z0-9+/=_.:-]+"
ID_PATTERN = re.compile(r"[!-+\--~]{1,256}")  # printable ASCII but space and comma
DIGITS_PATTERN = re.compile(r"[0-9]{1,20}")
RFC3339_PATTERN = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})"
)


@dataclass(frozen=True, slots=True)
class SignatureValues:
    """The values beside the signed content: signatures, id and signed timestamp."""

    signatures: tuple[str, ...]
    timestamp: str = ""
    id: str = ""


def read_header(request: WebhookRequest, name: str, *, malformed: Cause) -> str:
    """Return the value of a header. Raises SignatureRejection unless it occurs exactly once.

    An empty value counts as missing; a repeated header is rejected as `malformed`.
    """
    values = request.header_values(name)
    if not any(values):
        raise SignatureRejection(Cause.MISSING_HEADER)
    if len(values) > 1 or len(values[0]) > MAX_HEADER_LENGTH:
        raise SignatureRejection(malformed)
    return values[0]


def read_id(request: WebhookRequest, name: str, *, malformed: Cause) -> str:
    """Return the value of a header that holds an id. Raises SignatureRejection."""
    value = read_header(request, name, malformed=malformed)
    if not ID_PATTERN.fullmatch(value):
        raise SignatureRejection(malformed)
    return value


def read_signature_values(
    scheme: SignatureScheme, request: WebhookRequest, *, pattern: str
) -> SignatureValues:
    """Read signatures, timestamp and id. Raises SignatureRejection.

    `pattern`: the regular expression of one encoded signature.
    """
    header = read_header(request, scheme.header, malformed=Cause.MALFORMED_SIGNATURE)
    items = _split_items(scheme, header)
    signatures = [item[len(scheme.prefix) :] for item in items if item.startswith(scheme.prefix)]
    if not signatures or not all(re.fullmatch(pattern, value) for value in signatures):
        raise SignatureRejection(Cause.MALFORMED_SIGNATURE)
    return SignatureValues(
        signatures=tuple(signatures[:MAX_SIGNATURES]),
        timestamp=_read_timestamp(scheme, request, items),
        id=_read_message_id(scheme, request),
    )


def _split_items(scheme: SignatureScheme, header: str) -> list[str]:
    """Return the items of a header with several signatures, such as `t=…` and `v1=…`.

    Raises SignatureRejection if an item differs in form from the others, for example because a
    proxy has joined two values with a comma.
    """
    if not scheme.separator:
        return [header]
    items = header.split(scheme.separator)
    mark = scheme.prefix[-1:]
    name = ITEM_NAME + re.escape(mark) if mark and not mark.isalnum() else ""
    if not all(re.fullmatch(name + ITEM_VALUE, item) for item in items):
        raise SignatureRejection(Cause.MALFORMED_SIGNATURE)
    return items


def _read_timestamp(scheme: SignatureScheme, request: WebhookRequest, items: list[str]) -> str:
    if scheme.timestamp_header:
        return read_header(request, scheme.timestamp_header, malformed=Cause.MALFORMED_TIMESTAMP)
    if not scheme.timestamp_element:
        return ""
    mark = f"{scheme.timestamp_element}="
    timestamps = [item.removeprefix(mark) for item in items if item.startswith(mark)]
    if len(timestamps) != 1:
        raise SignatureRejection(Cause.MALFORMED_TIMESTAMP)
    return timestamps[0]


def _read_message_id(scheme: SignatureScheme, request: WebhookRequest) -> str:
    if not scheme.id_header:
        return ""
    id = read_id(request, scheme.id_header, malformed=Cause.MALFORMED_ID)
    if any(literal in id for literal in literals_around_id(scheme.signed)):
        raise SignatureRejection(Cause.MALFORMED_ID)
    return id


def check_timestamp(scheme: SignatureScheme, timestamp: str, *, now: float) -> None:
    """Reject a timestamp that is unreadable, too old or in the future. `now`: Unix seconds.

    Raises SignatureRejection. A difference of exactly the tolerance is accepted.
    """
    if not (scheme.timestamp_header or scheme.timestamp_element):
        return
    age = now - _parse_timestamp(timestamp, scheme.timestamp_unit)
    if age < -scheme.tolerance:
        raise SignatureRejection(Cause.FUTURE_TIMESTAMP)
    if not age <= scheme.tolerance:
        raise SignatureRejection(Cause.STALE_TIMESTAMP)


def _parse_timestamp(text: str, unit: str) -> float:
    """Return Unix seconds. Raises SignatureRejection."""
    pattern = RFC3339_PATTERN if unit == "rfc3339" else DIGITS_PATTERN
    if not pattern.fullmatch(text):
        raise SignatureRejection(Cause.MALFORMED_TIMESTAMP)
    if unit != "rfc3339":
        return int(text) / (1000 if unit == "milliseconds" else 1)
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise SignatureRejection(Cause.MALFORMED_TIMESTAMP) from None
