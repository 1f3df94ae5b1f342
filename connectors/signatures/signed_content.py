"""Build the bytes that a signature covers, from a template such as `v0:{timestamp}:{body}`."""

import hashlib
import hmac
import re
from functools import lru_cache
from urllib.parse import urlsplit, urlunsplit

from connectors.signatures.verdicts import Cause, SignatureRejection
from connectors.webhook_request import (
    FORM_TYPE,
    TooManyFormFields,
    WebhookRequest,
    decode_form,
)

FIELDS = ("method", "url", "id", "timestamp", "body", "form")
MAX_TEMPLATE_LENGTH = 200  # characters
PART_PATTERN = re.compile(r"\{([a-z]*)\}|([^{}]+)")
BODY_HASH_PARAMETER = "bodySHA256"  # Twilio's, hexadecimal; for bodies that are not forms
DEFAULT_PORTS = {"http": 80, "https": 443}

Template = tuple[str | bytes, ...]  # names of fields as str, literals as bytes


class TemplateError(ValueError):
    """A template of signed content cannot be used; the text says why."""


@lru_cache(maxsize=256)
def parse_template(template: str) -> Template:
    """Split a template into field names and literals. Raises TemplateError."""
    parts: list[str | bytes] = []
    position = 0
    for match in PART_PATTERN.finditer(template):
        if match.start() != position:
            break
        position = match.end()
        name, literal = match.groups()
        parts.append(name if literal is None else literal.encode("utf-8", "surrogatepass"))
    names = [part for part in parts if isinstance(part, str)]
    if position != len(template) or position > MAX_TEMPLATE_LENGTH or set(names) - set(FIELDS):
        raise TemplateError("text, and these fields in braces: " + ", ".join(FIELDS))
    if len(names) != len(set(names)):
        raise TemplateError("each field at most once")
    if not {"body", "form"} & set(names):
        raise TemplateError("the field body or form is required: all content must be signed")
    return tuple(parts)


def template_fields(template: str) -> set[str]:
    """Return the names of the fields in a template. Raises TemplateError."""
    return {part for part in parse_template(template) if isinstance(part, str)}


def literals_around_id(template: str) -> list[str]:
    """Return the literals beside the id in the signed content.

    An id that contains one of them is ambiguous: it could move the boundary to its neighbours.
    """
    parts = parse_template(template)
    if "id" not in parts:
        return []
    position = parts.index("id")
    neighbours = (*parts[max(position - 1, 0) : position], *parts[position + 1 : position + 2])
    return [part.decode() for part in neighbours if isinstance(part, bytes)]


def build_signed_contents(
    template: str, request: WebhookRequest, *, id: str, timestamp: str, port_variants: bool
) -> list[bytes]:
    """Return the contents that the provider may have signed: one for each form of the URL.

    Raises SignatureRejection if the body is not covered.
    """
    parts = parse_template(template)
    values = {
        "method": request.method.encode("utf-8", "surrogatepass"),
        "id": id.encode(),
        "timestamp": timestamp.encode(),
        "body": request.body,
    }
    if "form" in parts:
        values["form"] = read_form_content(request)
    urls = _list_port_variants(request.url) if port_variants else [request.url]
    contents = []
    for url in urls:
        values["url"] = url.encode("utf-8", "surrogatepass")
        contents.append(b"".join(values[part] if isinstance(part, str) else part for part in parts))
    return contents


def read_form_content(request: WebhookRequest) -> bytes:
    """Return the signed form; empty for a body of which the signed URL contains the hash.

    Raises SignatureRejection if the body is not covered.
    """
    return b"" if _has_signed_body_hash(request) else _sorted_form(request)


def _sorted_form(request: WebhookRequest) -> bytes:
    """Return the fields sorted by name, each followed by its values, all joined.

    Equal values of one field are signed once (twilio-python 9, `RequestValidator`).
    """
    types = request.header_values("content-type")
    is_form = [value.partition(";")[0].strip().lower() for value in types] == [FORM_TYPE]
    if request.body and not is_form:
        raise SignatureRejection(Cause.UNSIGNED_BODY)
    try:
        fields = sorted(set(decode_form(request.body)))
    except TooManyFormFields:
        raise SignatureRejection(Cause.UNSIGNED_BODY) from None
    return b"".join(name + value for name, value in fields)


def _has_signed_body_hash(request: WebhookRequest) -> bool:
    """Return whether the signed URL contains the hash of this body."""
    query = request.url.partition("?")[2].partition("#")[0]
    try:
        hashes = WebhookRequest("", "", query=query).query_values(BODY_HASH_PARAMETER)
    except TooManyFormFields:
        return False
    expected = hashlib.sha256(request.body).hexdigest()
    return len(hashes) == 1 and hmac.compare_digest(
        hashes[0].encode("utf-8", "surrogatepass"), expected.encode()
    )


def _list_port_variants(url: str) -> list[str]:
    """Return the URL with and without the default port of its scheme."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return [url]
    default = DEFAULT_PORTS.get(parts.scheme)
    if default is None or port not in (None, default):
        return [url]
    bare = parts.netloc.removesuffix(f":{default}")
    return [
        url,
        urlunsplit(parts._replace(netloc=bare if port else f"{bare}:{default}")),
    ]
