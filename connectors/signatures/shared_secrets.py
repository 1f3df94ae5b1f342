"""Find a shared secret in a request, and compare it in constant time."""

import hashlib
import hmac
from base64 import b64encode

from connectors.signatures.keys import Key
from connectors.signatures.request_values import read_header
from connectors.signatures.schemes import SharedSecretScheme
from connectors.signatures.verdicts import Cause, SignatureRejection
from connectors.webhook_request import TooManyFormFields, WebhookRequest

BASIC_PREFIX = "basic "


def match_shared_secret(
    scheme: SharedSecretScheme, request: WebhookRequest, keys: list[Key]
) -> list[Key]:
    """Return the keys that equal the secret in the request. Raises SignatureRejection."""
    presented = _read_shared_secret(scheme, request).encode("utf-8", "surrogatepass")
    comparisons = [(key, is_equal_secret(presented, _expected_secret(scheme, key))) for key in keys]
    return [key for key, is_equal in comparisons if is_equal]


def _expected_secret(scheme: SharedSecretScheme, key: Key) -> bytes:
    return b64encode(key.content) if scheme.location == "basic" else key.content


def _read_shared_secret(scheme: SharedSecretScheme, request: WebhookRequest) -> str:
    """Return the secret in the request, in base64 for HTTP Basic. Raises SignatureRejection."""
    if scheme.location == "query":
        return _read_query_secret(scheme, request)
    if scheme.location == "path":
        return _read_path_secret(request)
    name = "authorization" if scheme.location == "basic" else scheme.name
    value = read_header(request, name, malformed=Cause.MALFORMED_CREDENTIAL)
    # the name of a Basic scheme is not case-sensitive (RFC 9110, section 11.1)
    is_basic = scheme.location == "basic" and value[: len(BASIC_PREFIX)].lower() == BASIC_PREFIX
    prefix = value[: len(BASIC_PREFIX)] if is_basic else scheme.prefix
    if not value.startswith(prefix) or (scheme.location == "basic" and not is_basic):
        raise SignatureRejection(Cause.MALFORMED_CREDENTIAL)
    return value[len(prefix) :]


def _read_query_secret(scheme: SharedSecretScheme, request: WebhookRequest) -> str:
    try:
        values = request.query_values(scheme.name)
    except TooManyFormFields:
        raise SignatureRejection(Cause.MALFORMED_CREDENTIAL) from None
    if not any(values):
        raise SignatureRejection(Cause.MISSING_PARAMETER)
    if len(values) > 1:
        raise SignatureRejection(Cause.MALFORMED_CREDENTIAL)
    return values[0]


def _read_path_secret(request: WebhookRequest) -> str:
    """Return the last part of the path. Raises SignatureRejection if not canonically encoded."""
    if "//" in request.path or "%" in request.path:
        raise SignatureRejection(Cause.MALFORMED_CREDENTIAL)
    return request.path.removesuffix("/").rpartition("/")[2]


def is_equal_secret(presented: bytes, expected: bytes) -> bool:
    """Compare in constant time: independent of the content and of the length of `expected`."""
    return hmac.compare_digest(
        hashlib.sha256(presented).digest(), hashlib.sha256(expected).digest()
    )
