"""A webhook request as it was received, as a value: raw bytes, and headers that may repeat."""

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

MAX_FORM_FIELDS = 1000  # the limit of Django's forms
FORM_TYPE = "application/x-www-form-urlencoded"


class TooManyFormFields(ValueError):
    """A form or a query has more than MAX_FORM_FIELDS fields."""


@dataclass(frozen=True, slots=True, repr=False)
class WebhookRequest:
    """A received request. `repr` shows neither the path nor the content: both may be secret."""

    method: str
    # the URL at which the provider has registered us, with its query: what signatures cover
    url: str
    body: bytes = b""
    # pairs of a name in any case and a value, in the order of arrival; a name may repeat
    headers: tuple[tuple[str, str], ...] = ()
    path: str = ""  # as it arrived, percent-encoded
    query: str = ""  # without the question mark

    def __repr__(self) -> str:
        return f"<WebhookRequest {self.method}, {len(self.body)} bytes>"

    def header_values(self, name: str) -> list[str]:
        """Return every value of a header, without the spaces around it."""
        name = name.lower()
        return [value.strip(" \t") for key, value in self.headers if key.lower() == name]

    def is_form(self) -> bool:
        """Return whether the body is a form; types ignore case (RFC 9110, section 8.3.1)."""
        types = self.header_values("content-type")
        return any(value.lower().startswith(FORM_TYPE) for value in types)

    def query_values(self, name: str) -> list[str]:
        """Return every decoded value of a query parameter. Raises TooManyFormFields.

        Bytes that are not UTF-8 become lone surrogates.
        """
        fields = decode_form(self.query.encode("utf-8", "surrogatepass"))
        key = name.encode("utf-8", "surrogatepass")
        return [value.decode("utf-8", "surrogateescape") for field, value in fields if field == key]


def decode_form(content: bytes) -> list[tuple[bytes, bytes]]:
    """Return the fields of a form-encoded body or query, as bytes. Raises TooManyFormFields.

    A field without "=" has an empty value; an empty pair, as in `a=1&&b=2`, is no field.
    """
    if content.count(b"&") >= MAX_FORM_FIELDS:
        raise TooManyFormFields
    pairs = (pair.partition(b"=") for pair in content.split(b"&") if pair)
    return [(_decode_component(name), _decode_component(value)) for name, _, value in pairs]


def _decode_component(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))
