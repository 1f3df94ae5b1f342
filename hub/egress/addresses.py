"""IP addresses that may not be called.

Python's `is_global` does not suffice: it allows NAT64 and 6to4 addresses.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

IPAddress = IPv4Address | IPv6Address

DENIED_IPV4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16/32",  # Azure's host agent, inside a public block
    )
)
ALLOWED_IPV6 = IPv6Network("2000::/3")
DENIED_IPV6 = tuple(
    IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)


def parse_literal_address(host: str) -> IPAddress | None:
    """Return the IP address that a host spells out; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_denied(address: str | IPAddress) -> bool:
    """Return whether the address may not be called, or is not an IP address."""
    ip = parse_literal_address(address) if isinstance(address, str) else address
    if isinstance(ip, IPv6Address):
        ip = ip.ipv4_mapped or ip
    if isinstance(ip, IPv4Address):
        return any(ip in network for network in DENIED_IPV4)
    return ip is None or ip not in ALLOWED_IPV6 or any(ip in network for network in DENIED_IPV6)
