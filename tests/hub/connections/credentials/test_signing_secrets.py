"""Rotation of a signing secret: for a day both secrets sign."""

from datetime import timedelta

import pytest
from standardwebhooks.webhooks import Webhook

from connectors.signatures import valid_signing_secrets
from hub.connections.credentials.signing_secrets import (
    OVERLAP,
    TooManySigningSecrets,
    end_secret_overlap,
    read_signing_status,
    rotate_signing_secret,
)
from hub.outgoing.pump.loop import run_pump
from tests.factories import MINUTE, NOON, WHSEC
from tests.fakes import FakeHttp

pytestmark = pytest.mark.django_db


def fixed(byte):
    return lambda count: bytes([byte]) * count


def send_delivery(connection, make, at):
    """The headers and body of a delivery that is sent at this moment."""
    make.delivery(connection, now=at)
    http = FakeHttp()
    run_pump(clock=lambda: at, open_client=http.outlet, random=lambda: 0, idle_seconds=0)
    (request,) = http.requests
    return {name.lower(): value for name, value in request.headers.items()}, request.body


def is_signed(secret, headers, body, at):
    """Whether this secret signed the request, by the official library."""
    signature = Webhook(secret).sign(headers["webhook-id"], at, body.decode())
    return signature in headers["webhook-signature"].split()


def test_after_a_change_both_secrets_sign(make):
    connection = make.connection()
    new = rotate_signing_secret(connection, random=fixed(7), now=NOON)
    headers, body = send_delivery(connection, make, NOON)
    assert is_signed(WHSEC, headers, body, NOON) and is_signed(new, headers, body, NOON)


def test_a_day_later_only_the_new_one_does(make):
    connection = make.connection()
    new = rotate_signing_secret(connection, random=fixed(7), now=NOON)
    headers, body = send_delivery(connection, make, NOON + OVERLAP)
    assert is_signed(new, headers, body, NOON + OVERLAP)
    assert not is_signed(WHSEC, headers, body, NOON + OVERLAP)


def test_the_overlap_is_shown_while_it_lasts(make):
    connection = make.connection()
    assert read_signing_status(connection, now=NOON).overlaps_until is None
    new = rotate_signing_secret(connection, random=fixed(7), now=NOON)
    connection.credential.refresh_from_db()
    signing_status = read_signing_status(connection, now=NOON + MINUTE)
    assert (signing_status.secret, signing_status.overlaps_until) == (
        new,
        NOON + timedelta(hours=24),
    )


def test_the_overlap_can_be_ended_at_once(make):
    connection = make.connection()
    new = rotate_signing_secret(connection, random=fixed(7), now=NOON)
    end_secret_overlap(connection, now=NOON)
    connection.credential.refresh_from_db()
    assert valid_signing_secrets(connection.credential.open(connection), at=NOON) == [new]


def test_what_has_ended_is_not_kept(make):
    connection = make.connection()
    for hour in (0, 25, 50):
        rotate_signing_secret(connection, random=fixed(hour), now=NOON + timedelta(hours=hour))
    connection.credential.refresh_from_db()
    assert len(connection.credential.open(connection)["old_signing_secrets"]) == 1


def test_a_fourth_change_in_a_day_is_refused(make):
    connection = make.connection()
    for byte in range(3):
        rotate_signing_secret(connection, random=fixed(byte), now=NOON)
    with pytest.raises(TooManySigningSecrets):
        rotate_signing_secret(connection, random=fixed(9), now=NOON)


def test_a_secret_has_no_repr(make):
    connection = make.connection()
    assert WHSEC not in repr(read_signing_status(connection, now=NOON))
