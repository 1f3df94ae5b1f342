"""Compute and encode the signatures of a scheme."""

import base64
import hmac

from connectors.signatures.schemes import DIGEST_BYTES, Encoding, HmacScheme, SignatureScheme

ED25519_SIGNATURE_BYTES = 64


def compute_hmac(scheme: HmacScheme, key: bytes, content: bytes) -> str:
    """Return the encoded HMAC of the content."""
    return encode_signature(hmac.digest(key, content, scheme.algorithm), scheme.encoding)


def encode_signature(signature: bytes, encoding: Encoding) -> str:
    return signature.hex() if encoding == "hex" else base64.b64encode(signature).decode()


def decode_signature(text: str, encoding: Encoding) -> bytes:
    """Return the bytes of an encoded signature.

    Raises ValueError, also for an encoding of the same bytes other than the canonical one.
    """
    signature = bytes.fromhex(text) if encoding == "hex" else base64.b64decode(text, validate=True)
    if encode_signature(signature, encoding) != text:
        raise ValueError("not the canonical encoding")
    return signature


def signature_pattern(scheme: SignatureScheme) -> str:
    """Return the regular expression of one encoded signature, without its prefix."""
    size = ED25519_SIGNATURE_BYTES
    if isinstance(scheme, HmacScheme):
        size = DIGEST_BYTES[scheme.algorithm]
    if scheme.encoding == "hex":
        return f"[0-9a-f]{{{2 * size}}}"
    padding = -size % 3
    return f"[A-Za-z0-9+/]{{{4 * ((size + 2) // 3) - padding}}}={{{padding}}}"
