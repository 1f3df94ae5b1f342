"""Parsers of settings: each reads one from the environment; a ValueError states the expected form.

No error repeats the value, which may hold a password.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from environs import Env, EnvError

Parser = Callable[[str, Any], Any]

HOST_PATTERN = re.compile(r"\*|\.?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9a-fA-F:.]+\]")
HOST_AND_PORT_PATTERN = re.compile(r"([A-Za-z0-9_.-]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})")
PORT_RANGE = range(1, 65_536)

env = Env(eager=True)


def parse_boolean(name: str, default: bool) -> bool:
    with suppress(EnvError):
        return env.bool(name, default)
    raise ValueError("it must be true or false")


def whole_number_parser(minimum: int, maximum: int) -> Parser:
    def parse_number(name: str, default: int) -> int:
        with suppress(EnvError):
            value = env.int(name, default)
            if minimum <= value <= maximum:
                return value
        raise ValueError(f"it must be a whole number from {minimum:,} to {maximum:,}")

    return parse_number


def number_parser(minimum: float, maximum: float, unit: str) -> Parser:
    def parse_number(name: str, default: float) -> float:
        with suppress(EnvError):
            value = env.float(name, default)
            if minimum <= value <= maximum:
                return value
        raise ValueError(f"it must be a number of {unit} from {minimum:g} to {maximum:g}")

    return parse_number


def choice_parser(options: Iterable[str], meaning: str = "") -> Parser:
    names = list(options)

    def parse_choice(name: str, default: str) -> str:
        value = env.str(name, default)
        if value in names:
            return value
        raise ValueError(f"it is {', '.join(names[:-1])} or {names[-1]}{meaning}")

    return parse_choice


def parse_line_of_text(name: str, default: str) -> str:
    value = env.str(name, default)
    if value.strip() and value.isprintable() and len(value) <= 100:
        return value
    raise ValueError("it must be one line of text, at most 100 characters")


def parse_public_url(name: str, default: str) -> str:
    value = env.str(name, default).rstrip("/")
    if is_origin(value):
        return value
    raise ValueError(
        "it must be the address of the hub without a path, such as https://hub.example.com"
    )


def parse_origins(name: str, default: list[str]) -> list[str]:
    values = env.list(name, default)
    if all(is_origin(value) for value in values):
        return values
    raise ValueError("it must be a list of origins such as https://app.example.com, without a path")


def is_origin(text: str) -> bool:
    with suppress(ValueError):
        parts = urlsplit(text)
        is_bare_origin = text == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc
        host = HOST_PATTERN.fullmatch(
            parts.netloc.rpartition("]")[0] + "]" if "]" in text else parts.hostname or ""
        )
        return bool(
            is_bare_origin and host and parts.scheme in ("http", "https") and parts.port != 0
        )
    return False


def parse_host_names(name: str, default: list[str]) -> list[str]:
    values = env.list(name, default)
    if values and all(HOST_PATTERN.fullmatch(value) for value in values):
        return values
    raise ValueError(
        "it must be a list of host names such as hub.example.com, without scheme or port"
    )


def parse_hosts_and_ports(name: str, default: list[str]) -> list[str]:
    values = env.list(name, default)
    matches = [HOST_AND_PORT_PATTERN.fullmatch(value.strip()) for value in values]
    if all(match and int(match[2]) in PORT_RANGE for match in matches):
        return values
    raise ValueError("it must be a list of host:port such as 127.0.0.1:8100")


def parse_ports(name: str, default: list[int]) -> list[int]:
    with suppress(EnvError):
        values = env.list(name, default, subcast=int)
        if values and all(value in PORT_RANGE for value in values):
            return values
    raise ValueError("it must be a list of ports from 1 to 65,535, such as 443,8443")
