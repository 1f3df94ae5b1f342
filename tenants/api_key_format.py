"""The text of an API key: hub_<live|test>_<public id>_<192 random bits><checksum>, base62."""

import hashlib
import re
import string
import zlib
from collections.abc import Callable
from typing import NamedTuple

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_BYTES, RANDOM_LENGTH = 24, 33
ID_BYTES, ID_LENGTH = 5, 8
CHECKSUM_LENGTH = 6
LINK_BYTES, LINK_LENGTH = 32, 43

# Published, so that scanners of repositories and logs find keys that leaked.
API_KEY_PATTERN = re.compile(r"hub_(live|test)_([0-9A-Za-z]{8})_[0-9A-Za-z]{39}")

RandomBytes = Callable[[int], bytes]


class ParsedApiKey(NamedTuple):
    environment: str
    public_id: str
    digest: str


def generate_api_key(environment: str, *, random: RandomBytes) -> str:
    public_id = _encode_base62(int.from_bytes(random(ID_BYTES), "big"), ID_LENGTH)
    secret = _encode_base62(int.from_bytes(random(RANDOM_BYTES), "big"), RANDOM_LENGTH)
    body = f"hub_{environment}_{public_id}_{secret}"
    return body + compute_checksum(body)


def parse_api_key(text: str) -> ParsedApiKey | None:
    """Return None for what cannot be a key: a mistyped one fails the checksum, without a query."""
    match = API_KEY_PATTERN.fullmatch(text)
    if match is None or compute_checksum(text[:-CHECKSUM_LENGTH]) != text[-CHECKSUM_LENGTH:]:
        return None
    return ParsedApiKey(match[1], match[2], hashlib.sha256(text.encode()).hexdigest())


def generate_link_token(*, random: RandomBytes) -> str:
    """Return the random token of a link's URL; only its digest is stored."""
    return _encode_base62(int.from_bytes(random(LINK_BYTES), "big"), LINK_LENGTH)


def digest_token(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def compute_checksum(body: str) -> str:
    return _encode_base62(zlib.crc32(body.encode()), CHECKSUM_LENGTH)


def _encode_base62(number: int, length: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = ALPHABET[digit] + digits
    return digits.rjust(length, ALPHABET[0])
