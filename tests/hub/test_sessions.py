"""Sessions in the database tell nothing to whoever reads the database."""

import importlib
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.contrib.sessions.backends.db import SessionStore as SignedSessions
from django.contrib.sessions.models import Session
from django.db import connection

from hub.clock import clock
from hub.reseal import reseal
from hub.sessions import FORGOTTEN_AT_ONCE, SessionStore, forget_the_old

pytestmark = pytest.mark.django_db

SECRET = "JBSWY3DPEHPK3PXP"
SIGNED = "eyJzZWNyZXQiOiJKQlNXWTNEUEVIUEszUFhQIn0:1xWXLt:BcxzGQ8Rn2O0iymzBfTDOgaviDHonJn1Uqf0ummezlM"  # Django's


@pytest.fixture
def session():
    session = SessionStore()
    session["secret"] = SECRET
    session.save()
    return session


def found(key):
    return dict(SessionStore(key).items())


def test_what_is_kept_is_read_by_its_key_alone(session):
    assert found(session.session_key) == {"secret": SECRET}
    assert Session.objects.get().session_data.startswith("gAAAA")


def test_copied_into_another_row_it_opens_nothing(session):
    other = SessionStore()
    other.save()
    Session.objects.filter(pk=other.session_key).update(
        session_data=Session.objects.get(pk=session.session_key).session_data
    )
    assert found(other.session_key) == {}


def test_a_new_key_takes_what_was_kept_along(session):
    session.cycle_key()
    session.save()
    assert found(session.session_key) == {"secret": SECRET}
    assert Session.objects.count() == 1


@pytest.mark.parametrize("data", ["", "nonsense", "gAAAAnonsense", SIGNED])
def test_what_does_not_open_is_an_empty_session(session, data):
    Session.objects.update(session_data=data)
    assert found(session.session_key) == {}


def test_a_newer_key_takes_over(session, settings):
    newest = Fernet.generate_key().decode()
    settings.HUB_FIELD_KEYS = [newest, *settings.HUB_FIELD_KEYS]
    list(reseal())
    settings.HUB_FIELD_KEYS = [newest]
    assert found(session.session_key) == {"secret": SECRET}


def test_whoever_was_signed_in_before_the_upgrade_stays_so_and_the_row_is_sealed():
    signed = SignedSessions()
    signed["secret"] = SECRET
    signed.save()
    migration = importlib.import_module("hub.migrations.0006_sessions_are_sealed")
    migration.seal_sessions(apps, connection.schema_editor())
    assert found(signed.session_key) == {"secret": SECRET}
    assert Session.objects.get().session_data.startswith("gAAAA")


def test_those_that_ended_are_forgotten_a_little_at_a_time(session):
    now = clock()
    ended = [Session(pk=f"{number}", expire_date=now - timedelta(days=1)) for number in range(FORGOTTEN_AT_ONCE + 1)]
    Session.objects.bulk_create(ended)
    forget_the_old(now=now)
    assert Session.objects.count() == 2
    forget_the_old(now=now)
    assert Session.objects.get().pk == session.session_key
