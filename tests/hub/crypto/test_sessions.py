"""Sessions in the database tell nothing to whoever reads the database."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from cryptography.fernet import Fernet
from django.contrib.sessions.models import Session

from hub.crypto.rotation import reseal_all
from hub.crypto.sessions import (
    DELETED_PER_CALL,
    SessionStore,
    delete_expired_sessions,
    digest_session_key,
)
from hub.db.clock import clock

pytestmark = pytest.mark.django_db

SECRET = "JBSWY3DPEHPK3PXP"
# Django's
SIGNED = (
    "eyJzZWNyZXQiOiJKQlNXWTNEUEVIUEszUFhQIn0:1xWXLt:BcxzGQ8Rn2O0iymzBfTDOgaviDHonJn1Uqf0ummezlM"
)


@pytest.fixture
def session():
    session = SessionStore()
    session["secret"] = SECRET
    session.save()
    return session


def load_session(key):
    return dict(SessionStore(key).items())


def test_what_is_kept_is_read_by_its_key_alone(session):
    assert load_session(session.session_key) == {"secret": SECRET}
    assert Session.objects.get().session_data.startswith("gAAAA")


def test_copied_into_another_row_it_opens_nothing(session):
    other = SessionStore()
    copied = Session.objects.get().session_data
    other.save()
    Session.objects.filter(pk=digest_session_key(other.session_key)).update(session_data=copied)
    assert load_session(other.session_key) == {}


def test_what_the_database_holds_is_no_key(session):
    read = Session.objects.get().pk
    assert session.session_key not in read
    assert load_session(read) == {} and not SessionStore().exists(read)
    assert SessionStore().exists(session.session_key)


def test_a_cookie_with_any_text_is_an_empty_session(session):
    for text in ("", "short", "\udc80" * 32, "\x00" * 32, "x" * 10_000):
        assert load_session(text) == {}


def test_signing_out_leaves_no_row(session):
    session.flush()
    assert not Session.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_asynchronous_code_finds_the_same_rows(session):
    async def walk():
        same = SessionStore(session.session_key)
        same_as_kept = await same.aget("secret"), await same.aexists(session.session_key)
        other = SessionStore()
        await other.aset("number", 1)
        await other.asave()
        await same.adelete()
        return same_as_kept, other.session_key

    kept, other_key = async_to_sync(walk)()
    assert kept == (SECRET, True)
    assert Session.objects.get().pk == digest_session_key(other_key)


def test_a_new_key_takes_what_was_kept_along(session):
    session.cycle_key()
    session.save()
    assert load_session(session.session_key) == {"secret": SECRET}
    assert Session.objects.count() == 1


@pytest.mark.parametrize("data", ["", "nonsense", "gAAAAnonsense", SIGNED])
def test_what_does_not_open_is_an_empty_session(session, data):
    Session.objects.update(session_data=data)
    assert load_session(session.session_key) == {}


def test_a_newer_key_takes_over(session, settings):
    newest = Fernet.generate_key().decode()
    settings.HUB_FIELD_KEYS = [newest, *settings.HUB_FIELD_KEYS]
    list(reseal_all())
    settings.HUB_FIELD_KEYS = [newest]
    assert load_session(session.session_key) == {"secret": SECRET}


def test_those_that_ended_are_forgotten_a_little_at_a_time(session):
    now = clock()
    ended = [
        Session(pk=f"{number}", expire_date=now - timedelta(days=1))
        for number in range(DELETED_PER_CALL + 1)
    ]
    Session.objects.bulk_create(ended)
    delete_expired_sessions(now=now)
    assert Session.objects.count() == 2
    delete_expired_sessions(now=now)
    assert Session.objects.get().pk == digest_session_key(session.session_key)
