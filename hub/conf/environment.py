"""Read settings from the environment; an error names the setting that is wrong or missing."""

import re
from collections.abc import Callable
from contextlib import suppress
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from environs import EnvError

from hub.conf.parsers import env

LOGO_SUFFIXES = (".svg", ".png")
MAX_LOGO_BYTES = 100_000

MAIL_PORTS = {("smtp", ""): 25, ("smtp", "tls=1"): 587, ("smtps", ""): 465}
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
}
POSTGRESQL_OPTIONS = {
    "prepare_threshold": 5,  # uses; Django would have nothing prepared (see hub/db/bulk.py)
    "connect_timeout": 5,
    "tcp_user_timeout": 15000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "options": " ".join(
        [
            # A process that is stopped within a transaction keeps its row locks for no longer than
            # its leases; it never waits there for anything but the database.
            "-c statement_timeout=60s -c idle_in_transaction_session_timeout=20s "
            "-c lock_timeout=10s",
            # The server detects within 10 s that our machine is lost, and releases its row locks.
            "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=2",
        ]
    ),
}


INVALID_DATABASE_URL = (
    "DATABASE_URL is wrong: it must be sqlite:////path/hub.sqlite3 or "
    "postgresql://user:password@host/name, with characters such as /, @ and # in the "
    "password written as %2F, %40 and %23"
)


def read_required(name: str, hint: str) -> str:
    value = env.str(name, "")
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set: {hint}. `script/server` creates one in var/hub.env."
        )
    return value


def read_setting(parse: Callable[[str, Any], Any], name: str, default: Any) -> Any:
    """Return one setting of the environment. Raises ImproperlyConfigured, which names the setting,
    when its value is invalid.
    """
    try:
        return parse(name, default)
    except (EnvError, ValueError) as error:
        raise ImproperlyConfigured(f"{name} is wrong: {error}") from None


def read_encryption_keys(name: str, hint: str) -> list[str]:
    encryption_keys = [key.strip() for key in read_required(name, hint).split(",")]
    for number, key in enumerate(encryption_keys, 1):
        try:
            Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(
                f"{name} is wrong: key {number} is not 32 bytes in url-safe base64"
            ) from None
    return encryption_keys


def parse_rate(name: str, default: str) -> tuple[int, float] | None:
    """Return the calls and seconds of a rate such as "50/1" (at most 50 calls in a second); None
    when it is empty or "off". Raises ValueError when it is invalid.
    """
    value = env.str(name, default).strip()
    if value in ("", "off"):
        return None
    calls, _, seconds = value.partition("/")
    with suppress(ValueError):
        limit, per = int(calls), float(seconds)
        if 1 <= limit <= 1_000_000 and 0.1 <= per <= 86_400:
            return limit, per
    raise ValueError("it must be calls/seconds, such as 50/1, or off")


def parse_limits(name: str, default: str) -> dict[str, int] | None:
    """Return the limits of a text such as "events=60000,requests=1000", by name; None when it is
    "off". Raises ValueError when it is invalid.
    """
    value = env.str(name, default).strip()
    if value == "off":
        return None
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not all(re.fullmatch(r"[a-z_]+=[1-9][0-9]{0,14}", part) for part in parts):
        raise ValueError(
            "it must be limits with numbers, such as events=60000,requests=1000, or off"
        )
    return {name: int(quota) for name, _, quota in (part.partition("=") for part in parts)}


def parse_mail_server(name: str, default: str) -> str:
    value = env.str(name, default)
    with suppress(ValueError):  # its message would contain a part of the password
        parts = urlsplit(value)
        is_complete = parts.hostname and parts.port != 0 and parts.path in ("", "/")
        if value in ("", "console:") or (is_complete and (parts.scheme, parts.query) in MAIL_PORTS):
            return value
    raise ValueError(
        "it must be smtp://user:password@host:port, with ?tls=1 for STARTTLS, or "
        "smtps://..., or console:"
    )


def parse_mail_address(name: str, default: str) -> str:
    value = env.str(name, default)
    if not value.isprintable() or not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(value)[1]):
        raise ValueError("it must be an address such as hub@example.com, or Hub <hub@example.com>")
    return value


def parse_database_url(url: str) -> dict[str, Any]:
    try:
        config = dj_database_url.parse(url)
    except (ValueError, dj_database_url.UnknownSchemeError):
        # its message may contain a part of the password
        raise ImproperlyConfigured(INVALID_DATABASE_URL) from None
    if config["ENGINE"] == "django.db.backends.sqlite3":
        return {**config, "OPTIONS": SQLITE_OPTIONS}
    if config["ENGINE"] == "django.db.backends.postgresql" and config["NAME"]:
        return {
            **config,
            "OPTIONS": POSTGRESQL_OPTIONS | config.get("OPTIONS", {}),
            "CONN_HEALTH_CHECKS": True,
        }
    raise ImproperlyConfigured(INVALID_DATABASE_URL)


def parse_logo_path(name: str, default: str) -> Path | None:
    path = env.str(name, default)
    if not path:
        return None
    if Path(path).suffix not in LOGO_SUFFIXES or not Path(path).is_file():
        raise ValueError("it must be the path of a file that ends with .svg or .png")
    if Path(path).stat().st_size > MAX_LOGO_BYTES:
        raise ValueError(f"the file is larger than {MAX_LOGO_BYTES:,} bytes")
    return Path(path)


def parse_colour(name: str, default: str) -> str:
    value = env.str(name, default)
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValueError("it must be a colour such as #0b6459")
    return value.lower()
