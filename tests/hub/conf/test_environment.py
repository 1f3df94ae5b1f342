"""What every connection to the database asks for."""

import pytest
from django.db import connection

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="it is in this process"),
]


def show_setting(name):
    with connection.cursor() as cursor:
        return cursor.execute(f"SHOW {name}").fetchone()[0]


def test_the_server_soon_notices_the_loss_of_our_machine():
    """Else the rows that a lost machine had locked would stay locked for a minute."""
    names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")
    over_a_socket = connection.get_connection_params().get("host", "/").startswith("/")
    assert [show_setting(name) for name in names] == (
        ["0"] * 3 if over_a_socket else ["5", "2", "2"]
    )
