"""Keys of messages and items: unique ids of external systems, in a form that is safe to store."""

import hashlib

MAX_KEY_LENGTH = 200  # characters


def build_item_key(id: str) -> str:
    """Return an external id; the SHA-256 of one that is long or has unprintable characters."""
    if len(id) <= MAX_KEY_LENGTH and id.isprintable():
        return id
    return "sha256:" + hashlib.sha256(id.encode(errors="surrogatepass")).hexdigest()
