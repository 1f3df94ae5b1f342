"""var/hub.env: the keys of this desk, made once, never a default, readable by its owner only."""

import base64
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

HEAD = """\
# Made by script/server, and kept by it: add your own settings below;
# the process environment wins over them.
# Keep this file with the database: without HUB_FIELD_KEYS no stored credential can ever be
# opened again.
"""

# a webhook that was deleted or changed in the sandbox is registered again within a minute
LOCAL_SETTINGS = {"HUB_SUBSCRIPTION_CHECK_SECONDS": "60"}


def fresh() -> dict[str, str]:
    return {
        "HUB_SECRET_KEY": secrets.token_urlsafe(50),
        "HUB_FIELD_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "HUB_APP_WEBHOOK_SECRET": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "HUB_DEBUG": "false",
    }


def addresses(*, port: int, sandbox_port: int, mail_port: int) -> dict[str, str]:
    return {
        "HUB_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "HUB_EGRESS_ALLOW": f"127.0.0.1:{sandbox_port}",
        "HUB_EMAIL_URL": f"smtp://127.0.0.1:{mail_port}",
        # the shop is our own application
        "HUB_PORTAL_RETURN_URLS": f"http://127.0.0.1:{sandbox_port}",
    }


def ensure(path: Path, **ports: int) -> bool:
    """Write what is missing, and let our own loopback addresses follow the ports; True if they had
    to.
    """
    text = path.read_text() if path.exists() else HEAD
    stored = read(text)
    moved = {
        name: value
        for name, value in addresses(**ports).items()
        if name in stored and stored[name] != value and on_loopback(stored[name])
    }
    lines = [
        f"{key}={moved[key]}" if (key := line.partition("=")[0]) in moved else line
        for line in text.splitlines()
    ]
    defaults = fresh() | addresses(**ports) | LOCAL_SETTINGS
    lines += [f"{name}={value}" for name, value in defaults.items() if name not in stored]
    if (new := "\n".join(lines) + "\n") != text or not path.exists():
        write(path, new)
    path.chmod(0o600)
    return bool(moved)


def read(text: str) -> dict[str, str]:
    lines = (
        line.partition("=")
        for line in text.splitlines()
        if "=" in line and not line.lstrip().startswith("#")
    )
    return {name.strip(): value.strip() for name, _, value in lines}


def on_loopback(address: str) -> bool:
    return urlsplit(address if "//" in address else f"//{address}").hostname == "127.0.0.1"


def write(path: Path, text: str) -> None:
    """All or nothing, also when the power goes; the mode is right from the first byte."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
