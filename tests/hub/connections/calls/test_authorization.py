"""What an outcome changes at its connection, whoever made the call."""

import pytest

from connectors.outcomes import disable, reconnect
from hub.connections.calls.authorization import apply_connection_outcome
from hub.connections.models import Connection
from hub.notices.models import Notice
from tests.factories import NOON

pytestmark = pytest.mark.django_db


def apply(connection, outcome, *, used_version=1):
    apply_connection_outcome(
        connection.pk, outcome, used_version=used_version, secrets=["s3cr3t-token"], now=NOON
    )
    return Connection.unscoped.get(pk=connection.pk)


def test_an_account_that_is_disabled_is_told_to_its_people(make):
    stored = apply(make.connection(connector="slack"), disable("status_410"))
    assert (stored.state, stored.reason) == ("disabled", "status_410")
    assert Notice.unscoped.get().kind == "disabled"


def test_the_answer_is_stored_without_secrets(make):
    stored = apply(make.connection(connector="slack"), reconnect("revoked", "of s3cr3t-token"))
    assert (stored.state, stored.detail) == ("needs_reconnect", "of ***")


def test_an_answer_to_a_former_credential_changes_nothing(make):
    connection = make.connection(connector="slack")
    assert apply(connection, disable("status_410"), used_version=7).state == "healthy"
