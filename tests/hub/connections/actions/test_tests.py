"""A test of a connection: offered and made only where the other system can be asked."""

import pytest
from django.test import Client
from django.urls import reverse

from hub.audit import AuditRow
from hub.connections.models import Connection
from tests.connectors.recorded import WHSEC
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiving(make, acme):
    """A connection that only receives, with a problem that no test may declare solved."""
    secret = {"signing_secret": WHSEC}
    connection = make.connection(acme, "signed_webhook", secret=secret, account="", settings={})
    Connection.unscoped.filter(pk=connection.pk).update(
        state="degraded", reason="silent", checked_at=NOON
    )
    return connection


def admin_url(connection, name="change", *args):
    return reverse(f"admin:connections_connection_{name}", args=[connection.pk, *args])


def test_staff_are_not_offered_to_test_what_only_receives(superuser, make, receiving):
    test_url = admin_url(receiving, "verb", "test")
    assert test_url not in superuser.get(admin_url(receiving)).content.decode()
    other = make.connection(receiving.tenant, "slack")
    page = superuser.get(admin_url(other)).content.decode()
    assert admin_url(other, "verb", "test") in page


def test_no_door_says_that_a_system_answered_which_nobody_asked(superuser, make, shop, receiving):
    member = Client()
    member.force_login(make.membership(receiving.tenant, make.user(), "admin").user)
    answers = [
        superuser.post(admin_url(receiving, "verb", "test"), follow=True),
        member.post(f"/t/acme/connections/{receiving.public_id}/test", follow=True),
        shop.post(f"/api/v1/connections/{receiving.public_id}/test"),
    ]
    assert answers[2].status_code == 409
    assert not any("The test passed" in answer.content.decode() for answer in answers)
    assert "only receives" in answers[1].content.decode()
    receiving.refresh_from_db()
    assert (receiving.state, receiving.checked_at) == ("degraded", NOON)
    assert not AuditRow.objects.filter(verb="connection.test").exists()
