"""var/hub.env: the keys and addresses of a local installation, readable by its owner only."""

import base64
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

HEADER = """\
# Made by script/server, and kept by it: add your own settings below;
# the process environment wins over them.
# Keep this file with the database: without HUB_FIELD_KEYS no stored credential can ever be
# opened again.
"""

# a webhook that was deleted or changed in the sandbox is registered again within a minute
LOCAL_SETTINGS = {"HUB_SUBSCRIPTION_CHECK_SECONDS": "60"}


def generate_keys() -> dict[str, str]:
    return {
        "HUB_SECRET_KEY": secrets.token_urlsafe(50),
        "HUB_FIELD_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "HUB_APP_WEBHOOK_SECRET": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "HUB_DEBUG": "false",
    }


def local_addresses(*, port: int, sandbox_port: int, mail_port: int) -> dict[str, str]:
    return {
        "HUB_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "HUB_EGRESS_ALLOW": f"127.0.0.1:{sandbox_port}",
        "HUB_EMAIL_URL": f"smtp://127.0.0.1:{mail_port}",
        # the shop is our own application
        "HUB_PORTAL_RETURN_URLS": f"http://127.0.0.1:{sandbox_port}",
    }


def ensure_settings(path: Path, **ports: int) -> bool:
    """Write the settings that are missing, and update our loopback addresses to the ports.

    Return whether an address has changed.
    """
    text = path.read_text() if path.exists() else HEADER
    stored = parse(text)
    moved = {
        name: value
        for name, value in local_addresses(**ports).items()
        if name in stored and stored[name] != value and is_on_loopback(stored[name])
    }
    lines = [
        f"{key}={moved[key]}" if (key := line.partition("=")[0]) in moved else line
        for line in text.splitlines()
    ]
    defaults = generate_keys() | local_addresses(**ports) | LOCAL_SETTINGS
    lines += [f"{name}={value}" for name, value in defaults.items() if name not in stored]
    if (new := "\n".join(lines) + "\n") != text or not path.exists():
        write_atomically(path, new)
    path.chmod(0o600)
    return bool(moved)


def parse(text: str) -> dict[str, str]:
    lines = (
        line.partition("=")
        for line in text.splitlines()
        if "=" in line and not line.lstrip().startswith("#")
    )
    return {name.strip(): value.strip() for name, _, value in lines}


def is_on_loopback(address: str) -> bool:
    return urlsplit(address if "//" in address else f"//{address}").hostname == "127.0.0.1"


def write_atomically(path: Path, text: str) -> None:
    """Replace the file as a whole, also if the power fails; nobody else can ever read it."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
