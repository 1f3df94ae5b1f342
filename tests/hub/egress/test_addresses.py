import pytest

from hub.egress.addresses import is_denied

GLOBAL_TO_PYTHON = [
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "::127.0.0.1",
    "fec0::1",
    "ff02::1",
    "224.0.0.1",
    "192.0.0.8",
    "192.88.99.1",
    "168.63.129.16",
]


@pytest.mark.parametrize(
    "address", [*GLOBAL_TO_PYTHON, "::ffff:10.0.0.1", "2001:0:7f00:1::", "", "example.com", "127.1"]
)
def test_is_denied(address):
    assert is_denied(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "172.32.0.1", "168.63.129.17", "2606:2800::1", "::ffff:8.8.8.8"]
)
def test_may_be_called(address):
    assert not is_denied(address)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("10.0.0.0", "10.255.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("100.64.0.0", "100.127.255.255"),
    ],
)
def test_a_network_is_denied_to_its_edges(first, last):
    assert is_denied(first)
    assert is_denied(last)
