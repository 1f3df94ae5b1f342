"""Kinds of settings: each reads one from the environment, or raises ValueError with what it expects.

No error repeats the value: it may hold a password.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from environs import Env, EnvError

Reader = Callable[[str, Any], Any]

HOST = re.compile(r"\*|\.?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9a-fA-F:.]+\]")
HOST_AND_PORT = re.compile(r"([A-Za-z0-9_.-]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})")
PORTS = range(1, 65_536)

env = Env(eager=True)


def boolean(name: str, default: bool) -> bool:
    with suppress(EnvError):
        return env.bool(name, default)
    raise ValueError("it is true or false")


def whole_number(least: int, most: int) -> Reader:
    def read_number(name: str, default: int) -> int:
        with suppress(EnvError):
            value = env.int(name, default)
            if least <= value <= most:
                return value
        raise ValueError(f"it is a whole number from {least:,} to {most:,}")

    return read_number


def number(least: float, most: float, unit: str) -> Reader:
    def read_number(name: str, default: float) -> float:
        with suppress(EnvError):
            value = env.float(name, default)
            if least <= value <= most:
                return value
        raise ValueError(f"it is a number of {unit} from {least:g} to {most:g}")

    return read_number


def choice(options: Iterable[str], meaning: str = "") -> Reader:
    names = list(options)

    def read_choice(name: str, default: str) -> str:
        value = env.str(name, default)
        if value in names:
            return value
        raise ValueError(f"it is {', '.join(names[:-1])} or {names[-1]}{meaning}")

    return read_choice


def line_of_text(name: str, default: str) -> str:
    value = env.str(name, default)
    if value.strip() and value.isprintable() and len(value) <= 100:
        return value
    raise ValueError("it is one line of text, at most 100 characters")


def public_url(name: str, default: str) -> str:
    value = env.str(name, default).rstrip("/")
    if is_origin(value):
        return value
    raise ValueError("it is the address of the hub without a path, such as https://hub.example.com")


def origins(name: str, default: list[str]) -> list[str]:
    values = env.list(name, default)
    if all(is_origin(value) for value in values):
        return values
    raise ValueError("it is a list of origins such as https://app.example.com, without a path")


def is_origin(text: str) -> bool:
    with suppress(ValueError):
        parts = urlsplit(text)
        whole = text == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc
        host = HOST.fullmatch(parts.netloc.rpartition("]")[0] + "]" if "]" in text else parts.hostname or "")
        return bool(whole and host and parts.scheme in ("http", "https") and parts.port != 0)
    return False


def host_names(name: str, default: list[str]) -> list[str]:
    values = env.list(name, default)
    if values and all(HOST.fullmatch(value) for value in values):
        return values
    raise ValueError("it is a list of host names such as hub.example.com, without scheme or port")


def hosts_and_ports(name: str, default: list[str]) -> list[str]:
    values = env.list(name, default)
    found = [HOST_AND_PORT.fullmatch(value.strip()) for value in values]
    if all(match and int(match[2]) in PORTS for match in found):
        return values
    raise ValueError("it is a list of host:port such as 127.0.0.1:8100")


def ports(name: str, default: list[int]) -> list[int]:
    with suppress(EnvError):
        values = env.list(name, default, subcast=int)
        if values and all(value in PORTS for value in values):
            return values
    raise ValueError("it is a list of ports from 1 to 65,535, such as 443,8443")
