"""Decode the secrets of a scheme into keys, and reject unusable ones."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.signatures.schemes import Scheme, SharedSecretScheme
from connectors.signatures.verdicts import Cause, SignatureRejection

HEX_PATTERN = re.compile(r"([0-9a-fA-F]{2})*")


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A secret, or a public key, as the provider issues it. `repr` shows no secret.

    `id`: the provider's name of it, for schemes with a key id.
    """

    value: str
    id: str = ""

    def __repr__(self) -> str:
        return "<Secret ***>"


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """The key in a secret; `index` is the position of the secret. `repr` shows no key."""

    index: int
    content: bytes

    def __repr__(self) -> str:
        return f"<Key {self.index} ***>"


def decode_secret(scheme: Scheme, secret: Secret) -> bytes:
    """Return the key in a secret. Raises ValueError, with a text, if it cannot be used."""
    if not secret.value.strip():
        raise ValueError("a secret is required")
    if isinstance(scheme, SharedSecretScheme):
        key = secret.value.encode()
    else:
        key = _decode_text(secret.value.removeprefix(scheme.secret_prefix), scheme.secret_encoding)
    if len(key) < scheme.secret_bytes_min:
        raise ValueError(f"a secret has at least {scheme.secret_bytes_min} bytes")
    return key


def _decode_text(text: str, encoding: str) -> bytes:
    if encoding == "text":
        return text.encode()
    if encoding == "hex":
        if not HEX_PATTERN.fullmatch(text):
            raise ValueError("a secret in hexadecimal digits is required")
        return bytes.fromhex(text)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("a secret in base64 is required") from None


def decode_keys(scheme: Scheme, secrets: Sequence[Secret], *, key_id: str = "") -> list[Key]:
    """Return the keys that a request may be checked with. Raises SignatureRejection if none.

    `key_id`: only the secrets with this id; empty: all.
    """
    if not secrets:
        raise SignatureRejection(Cause.NO_SECRET)
    keys, was_named = [], False
    for index, secret in enumerate(secrets):
        if key_id and secret.id != key_id:
            continue
        was_named = True
        try:
            keys.append(Key(index, decode_secret(scheme, secret)))
        except ValueError:
            continue
    if not keys:
        raise SignatureRejection(Cause.UNUSABLE_SECRET if was_named else Cause.UNKNOWN_KEY_ID)
    return keys
