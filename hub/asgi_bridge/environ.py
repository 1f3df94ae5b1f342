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
        **{_name_variable(name): value for name, value in join_headers(scope["headers"]).items()},
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
        environ["REMOTE_ADDR"] = find_client_address(
            environ.get("HTTP_X_FORWARDED_FOR", ""), environ["REMOTE_ADDR"]
        )
    return environ


def join_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers by lower-case name: join repeated ones, drop names with an underscore.

    A name with an underscore could pass for a header that only the proxy sets.
    """
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        if b"_" in raw_name:
            continue
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name in joined:
            value = f"{joined[name]}{'; ' if name == 'cookie' else ','}{value}"
        joined[name] = value
    return joined


def _name_variable(header: str) -> str:
    name = header.upper().replace("-", "_")
    return name if name in UNPREFIXED_HEADERS else f"HTTP_{name}"


def find_client_address(forwarded_for: str, sender: str) -> str:
    """Return the last address in X-Forwarded-For, set by the proxy; clients can forge others.

    Without a valid one it is the sender's, who is the proxy.
    """
    last_address = forwarded_for.rpartition(",")[2].strip()
    try:
        return str(ip_address(last_address))
    except ValueError:
        return sender


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
