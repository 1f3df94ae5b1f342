"""Keys for one bench, thrown away after it."""

import base64
import secrets


def fresh() -> dict[str, str]:
    return {
        "HUB_SECRET_KEY": secrets.token_urlsafe(50),
        "HUB_FIELD_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
