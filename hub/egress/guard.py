"""What may be called: an address is read by the parser of the client that sends, and by a strict grammar of our own."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url
from yarl import URL

from hub.egress.addresses import denied, literal
from hub.egress.errors import Refused

PORTS = frozenset({443, 8443, 8088, 8089})  # https, and Splunk's collector and API
DEFAULT_PORTS = {"https": 443, "http": 80}
LONGEST = 8000  # characters of an address

ADDRESS = re.compile(r"(https?)://([^/?#]*)", re.ASCII | re.IGNORECASE)
PLACE = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?", re.ASCII)
LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
NAME = re.compile(rf"(?=.{{1,253}}\Z)(?:{LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?", re.ASCII)
NEVER_PUBLIC = (".localhost", ".localdomain", ".local", ".internal", ".home.arpa", ".onion", ".alt")


def canonical(host: str) -> str:
    """Lower case; an IPv6 address compressed and without brackets."""
    host = host.lower().strip("[]")
    return str(literal(host) or host)


def place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True, slots=True)
class Rules:
    """What this deployment may call.

    `allow` are exact "host:port" of a desk's sandbox, for which nothing else is asked (plain http included);
    `own_hosts` are names and addresses of the hub itself.
    """

    allow: frozenset[str] = frozenset()
    https_only: bool = True
    ports: frozenset[int] = PORTS
    own_hosts: frozenset[str] = frozenset()

    def allows(self, host: str, port: int) -> bool:
        return place(host, port) in self.allow

    def denies(self, address: str) -> bool:
        return denied(address) or address in self.own_hosts

    def check_answers(self, host: str, port: int, answers: Iterable[str]) -> None:
        """One bad answer refuses all: which of them is used would be the other side's choice."""
        if not self.allows(host, port) and any(self.denies(answer) for answer in answers):
            raise Refused("denied_address", host)


def rules() -> Rules:
    """The rules of this deployment, from its settings."""
    own = {urlsplit(settings.HUB_PUBLIC_URL).hostname or "", *settings.ALLOWED_HOSTS} - {"", "*"}
    return Rules(
        allow=frozenset(entry.strip().lower() for entry in settings.HUB_EGRESS_ALLOW),
        ports=frozenset(settings.HUB_EGRESS_PORTS),
        own_hosts=frozenset(canonical(host) for host in own),
    )


class Reading(NamedTuple):
    """An address as somebody reads it; `parsed` is what the client that sends made of it."""

    scheme: str
    host: str  # canonical
    port: int
    parsed: Any = None


Parser = Callable[[str], Reading]


def read(scheme: str | None, host: str | None, port: int | None, parsed: Any = None) -> Reading:
    scheme = (scheme or "").lower()
    return Reading(scheme, canonical(host or ""), DEFAULT_PORTS.get(scheme, 0) if port is None else port, parsed)


def by_yarl(url: str) -> Reading:
    """As aiohttp reads it. Raises ValueError."""
    parsed = URL(url)
    return read(parsed.scheme, parsed.raw_host, parsed.explicit_port, parsed)


def by_urllib3(url: str) -> Reading:
    """As requests reads it. Raises LocationParseError, a ValueError."""
    parsed = parse_url(url)
    return read(parsed.scheme, parsed.host, parsed.port, parsed)


def check_url(url: str, rules: Rules, *parsers: Parser) -> Reading:
    """The address as the last of the parsers reads it (both clients' by default); raises Refused."""
    written = _written(url)
    for parser in parsers or (by_urllib3, by_yarl):
        try:
            reading = parser(url)
        except (ValueError, LocationParseError):
            raise Refused("address", written.host) from None
        if reading[:3] != written[:3]:
            raise Refused("address", written.host)
    if not rules.allows(written.host, written.port):
        _check_public(written, rules)
    return reading


def _written(url: str) -> Reading:
    """What the address says by a grammar that has no room for doubt; raises Refused."""
    if len(url) > LONGEST or not url.isprintable() or " " in url or "\\" in url:
        raise Refused("characters")
    address = ADDRESS.match(url)
    if address is None:
        raise Refused("scheme")
    scheme, authority = address.groups()
    if "@" in authority:
        raise Refused("userinfo")
    named = PLACE.fullmatch(authority)
    if named is None:
        raise Refused("host")
    host, port = named.groups()
    return read(scheme, host, int(port) if port else None)


def _check_public(written: Reading, rules: Rules) -> None:
    if rules.https_only and written.scheme != "https":
        raise Refused("scheme", written.host)
    if written.port not in rules.ports:
        raise Refused("port", written.host)
    if written.host in rules.own_hosts:
        raise Refused("own_host", written.host)
    if literal(written.host) is not None:
        if denied(written.host):
            raise Refused("denied_address", written.host)
    elif not NAME.fullmatch(written.host) or written.host.endswith(NEVER_PUBLIC):
        raise Refused("host", written.host)
