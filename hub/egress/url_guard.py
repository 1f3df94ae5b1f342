"""Check URLs, both as the client's parser and as a strict grammar of our own parse them."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url
from yarl import URL

from hub.egress.addresses import is_denied, parse_literal_address
from hub.egress.errors import EgressRefused

DEFAULT_ALLOWED_PORTS = frozenset({443, 8443, 8088, 8089})  # https, and Splunk's collector and API
DEFAULT_PORTS = {"https": 443, "http": 80}
MAX_URL_LENGTH = 8000  # characters of an address

URL_PATTERN = re.compile(r"(https?)://([^/?#]*)", re.ASCII | re.IGNORECASE)
AUTHORITY_PATTERN = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?", re.ASCII)
LABEL_PATTERN = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
HOST_NAME_PATTERN = re.compile(
    rf"(?=.{{1,253}}\Z)(?:{LABEL_PATTERN}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?", re.ASCII
)
PRIVATE_SUFFIXES = (
    ".localhost",
    ".localdomain",
    ".local",
    ".internal",
    ".home.arpa",
    ".onion",
    ".alt",
)


def _normalize_host(host: str) -> str:
    """Return the host in lower case; an IPv6 address compressed and without brackets."""
    host = host.lower().strip("[]")
    return str(parse_literal_address(host) or host)


def _format_host_and_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True, slots=True)
class EgressRules:
    """The addresses that this deployment may call.

    `allow`: exact "host:port" pairs of a local installation's sandbox, which are exempt from all
    other rules (http is allowed, too); `own_hosts`: names and addresses of the hub itself.
    """

    allow: frozenset[str] = frozenset()
    https_only: bool = True
    ports: frozenset[int] = DEFAULT_ALLOWED_PORTS
    own_hosts: frozenset[str] = frozenset()

    def allows(self, host: str, port: int) -> bool:
        return _format_host_and_port(host, port) in self.allow

    def denies(self, address: str) -> bool:
        return is_denied(address) or address in self.own_hosts

    def check_answers(self, host: str, port: int, answers: Iterable[str]) -> None:
        """Raise EgressRefused if one of the resolved addresses is denied.

        Otherwise the other side could influence which of the addresses is used.
        """
        if not self.allows(host, port) and any(self.denies(answer) for answer in answers):
            raise EgressRefused("denied_address", host)


def load_rules() -> EgressRules:
    """Build the rules of this deployment from its settings."""
    own_hosts = {urlsplit(settings.HUB_PUBLIC_URL).hostname or "", *settings.ALLOWED_HOSTS} - {
        "",
        "*",
    }
    return EgressRules(
        allow=frozenset(entry.strip().lower() for entry in settings.HUB_EGRESS_ALLOW),
        ports=frozenset(settings.HUB_EGRESS_PORTS),
        own_hosts=frozenset(_normalize_host(host) for host in own_hosts),
    )


class ParsedUrl(NamedTuple):
    """Scheme, host and port of a URL; `parsed` is the result of the client's own parser."""

    scheme: str
    host: str  # canonical
    port: int
    client_url: Any = None


Parser = Callable[[str], ParsedUrl]


def build_parsed_url(
    scheme: str | None, host: str | None, port: int | None, parsed: Any = None
) -> ParsedUrl:
    scheme = (scheme or "").lower()
    return ParsedUrl(
        scheme,
        _normalize_host(host or ""),
        DEFAULT_PORTS.get(scheme, 0) if port is None else port,
        parsed,
    )


def parse_with_yarl(url: str) -> ParsedUrl:
    """Parse a URL as aiohttp does. Raises ValueError."""
    parsed = URL(url)
    return build_parsed_url(parsed.scheme, parsed.raw_host, parsed.explicit_port, parsed)


def parse_with_urllib3(url: str) -> ParsedUrl:
    """Parse a URL as requests does. Raises LocationParseError, a ValueError."""
    parsed = parse_url(url)
    return build_parsed_url(parsed.scheme, parsed.host, parsed.port, parsed)


def check_url(url: str, rules: EgressRules, *parsers: Parser) -> ParsedUrl:
    """Return the URL as the last parser parses it. Raises EgressRefused.

    By default both clients' parsers check it; each must agree with the strict grammar.
    """
    strict_url = _parse_strictly(url)
    for parser in parsers or (parse_with_urllib3, parse_with_yarl):
        try:
            parsed_url = parser(url)
        except (ValueError, LocationParseError):
            raise EgressRefused("address", strict_url.host) from None
        if parsed_url[:3] != strict_url[:3]:
            raise EgressRefused("address", strict_url.host)
    if not rules.allows(strict_url.host, strict_url.port):
        _check_public(strict_url, rules)
    return parsed_url


def _parse_strictly(url: str) -> ParsedUrl:
    """Parse a URL by a strict, unambiguous grammar. Raises EgressRefused."""
    if len(url) > MAX_URL_LENGTH or not url.isprintable() or " " in url or "\\" in url:
        raise EgressRefused("characters")
    address = URL_PATTERN.match(url)
    if address is None:
        raise EgressRefused("scheme")
    scheme, authority = address.groups()
    if "@" in authority:
        raise EgressRefused("userinfo")
    match = AUTHORITY_PATTERN.fullmatch(authority)
    if match is None:
        raise EgressRefused("host")
    host, port = match.groups()
    return build_parsed_url(scheme, host, int(port) if port else None)


def _check_public(strict_url: ParsedUrl, rules: EgressRules) -> None:
    if rules.https_only and strict_url.scheme != "https":
        raise EgressRefused("scheme", strict_url.host)
    if strict_url.port not in rules.ports:
        raise EgressRefused("port", strict_url.host)
    if strict_url.host in rules.own_hosts:
        raise EgressRefused("own_host", strict_url.host)
    if parse_literal_address(strict_url.host) is not None:
        if is_denied(strict_url.host):
            raise EgressRefused("denied_address", strict_url.host)
    elif not HOST_NAME_PATTERN.fullmatch(strict_url.host) or strict_url.host.endswith(
        PRIVATE_SUFFIXES
    ):
        raise EgressRefused("host", strict_url.host)
