"""Two connections of one system are told apart by the account's name, wherever one is named."""

import pytest
from django.urls import reverse

from hub.connections.models import Connection
from hub.db.clock import clock

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "account", "told"),
    [
        ("Slack", "Acme", "Slack (Acme)"),
        ("Slack", "", "Slack"),
        ("Slack of Acme", "Acme", "Slack of Acme"),
        ("acme", "Acme", "acme"),
    ],
)
def test_the_accounts_name_stands_behind_a_name_that_does_not_hold_it(name, account, told):
    assert str(Connection(name=name, account_name=account)) == told


def test_staff_and_customers_read_it(make, client):
    acme = make.tenant("acme")
    for account in ("Acme", "Globex"):
        make.delivery(make.connection(acme, name="Slack", account_name=account), now=clock())
    client.force_login(make.membership(acme, make.staff(is_superuser=True), role="owner").user)
    pages = [
        reverse("admin:connections_connection_changelist"),
        reverse("admin:outgoing_delivery_changelist"),
    ]
    for page in [*pages, reverse("admin:index"), "/t/acme/events/"]:
        text = client.get(page).content.decode()
        assert "Slack (Acme)" in text and "Slack (Globex)" in text, page
