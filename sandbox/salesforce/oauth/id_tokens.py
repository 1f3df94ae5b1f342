"""ID tokens of OpenID Connect, and what a client reads to verify them.

https://help.salesforce.com/s/articleView?id=sf.remoteaccess_using_openid.htm (2026-11). The key is
a new one after each start, and has another `kid` then.
"""

import base64
import hashlib
import json
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

LIFE = 120  # seconds
KEY_BITS = 2048


class IdTokens:
    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)

    @cached_property
    def _public_key(self) -> dict[str, str]:
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "n": encode_number(numbers.n), "e": encode_number(numbers.e)}
        return key | {"alg": "RS256", "use": "sig", "kid": key["n"][:16]}

    def keys(self) -> dict[str, Any]:
        return {"keys": [self._public_key]}

    def sign(self, claims: dict[str, Any], access_token: str) -> str:
        """Return the token with the digest of the access token that is given out with it."""
        digest = hashlib.sha256(access_token.encode()).digest()
        claims = claims | {"at_hash": encode(digest[: len(digest) // 2])}
        head = {"typ": "JWT", "alg": "RS256", "kid": self._public_key["kid"]}
        signed = f"{encode_json(head)}.{encode_json(claims)}"
        return f"{signed}.{encode(self._key.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"


def configuration(issuer: str) -> dict[str, Any]:
    """What `/.well-known/openid-configuration` answers."""
    oauth = f"{issuer}/services/oauth2"
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{oauth}/authorize",
        "token_endpoint": f"{oauth}/token",
        "revocation_endpoint": f"{oauth}/revoke",
        "userinfo_endpoint": f"{oauth}/userinfo",
        "jwks_uri": f"{issuer}/id/keys",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "scopes_supported": ["id", "api", "refresh_token", "openid"],
    }


def encode_json(value: Any) -> str:
    return encode(json.dumps(value, separators=(",", ":")).encode())


def encode_number(number: int) -> str:
    return encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
