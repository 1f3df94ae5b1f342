"""Convert an ASGI scope to the WSGI environment, without variables of the process's environment."""

import io
import sys
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Any

Environ = dict[str, Any]
UNPREFIXED_HEADERS = {"CONTENT_TYPE", "CONTENT_LENGTH"}
FIXED_VARIABLES = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


def build_environ(scope: Mapping[str, Any], *, behind_proxy: bool) -> Environ:
    client, server = scope.get("client") or ("", 0), scope.get("server") or ("", 0)
    environ = {
        **FIXED_VARIABLES,
        **_convert_headers(scope["headers"]),
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "RAW_PATH": (scope.get("raw_path") or b"").partition(b"?")[0].decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": str(client[0]),
        "REMOTE_PORT": str(client[1]),
        "wsgi.url_scheme": scope["scheme"],
    }
    if behind_proxy:
        environ["REMOTE_ADDR"] = _find_client_address(environ)
    return environ


def _convert_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Convert headers to variables: join repeated ones, drop names with an underscore.

    A name with an underscore could pass for a header that only the proxy sets.
    """
    variables: dict[str, str] = {}
    for raw_name, raw_value in headers:
        if b"_" in raw_name:
            continue
        name, value = (
            raw_name.decode("latin-1").upper().replace("-", "_"),
            raw_value.decode("latin-1"),
        )
        name = name if name in UNPREFIXED_HEADERS else f"HTTP_{name}"
        if name in variables:
            value = f"{variables[name]}{'; ' if name == 'HTTP_COOKIE' else ','}{value}"
        variables[name] = value
    return variables


def _find_client_address(environ: Environ) -> str:
    """Return the last address in X-Forwarded-For, set by the proxy; clients can forge others."""
    last_address = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    try:
        return str(ip_address(last_address))
    except ValueError:
        return str(environ["REMOTE_ADDR"])


def client_network(address: str) -> str:
    """Return the network that counts as one client: the /64 of an IPv6 address."""
    try:
        client = ip_address(address)
    except ValueError:
        return address
    if isinstance(client, IPv4Address) or client.ipv4_mapped:
        return address
    return str(IPv6Network((int(client), 64), strict=False))


def put_body(environ: Environ, body: bytes) -> None:
    """Set the body and its length; Django reads a body without CONTENT_LENGTH as empty."""
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ["wsgi.input"] = io.BytesIO(body)
