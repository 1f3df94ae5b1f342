"""A token that came is stored before anything else, and again where the database failed: the old
one may have ended.
"""

import pytest
from django.db import OperationalError
from django.db import connection as database

from hub.connections.credentials.refresh_result import STORE_DELAYS
from hub.connections.models import Credential
from hub.crypto.sealed import seal
from tests.fakes import FakeHttp
from tests.hub.connections.provider import FIRST, Provider
from tests.hub.connections.token_refresh import (
    connection,
    credential,
    lane,
    list_event_kinds,
    reject_and_refresh,
)

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["connection"]  # the fixture


@pytest.fixture
def provider(connection, tmp_path):
    """Its refresh tokens work once."""
    document = {"access_token": "00D!0", "refresh_token": FIRST}
    Credential.unscoped.update(sealed=seal(document, Credential.binding(connection)))
    return Provider(tmp_path / "provider.json")


class Failing:
    """A database that fails so many statements, from the token endpoint's answer on."""

    def __init__(self, provider, count):
        self.provider, self.count, self.answered, self.statements = provider, count, False, []

    def call(self, request):
        answer = self.provider.call(request)
        self.answered = True
        return answer

    def __call__(self, execute, sql, *rest):
        if self.answered:
            self.statements.append(sql)
            if self.count:
                self.count -= 1
                raise OperationalError("server closed the connection unexpectedly")
        return execute(sql, *rest)


@pytest.mark.parametrize("count", [0, 1, 2, len(STORE_DELAYS)])
def test_a_database_that_fails_loses_no_token(connection, provider, count):
    failing, pauses = Failing(provider, count), []
    with database.execute_wrapper(failing):
        assert reject_and_refresh(connection, FakeHttp(failing.call), sleep=pauses.append)
    assert credential(connection)["refresh_token"] in provider.known["live"]
    assert provider.known["calls"] == 1 and pauses == list(STORE_DELAYS[:count])
    assert lane(connection).hold_reason == "" and list_event_kinds() == ["refreshed"]


def test_nothing_of_ours_stands_between_the_answer_and_its_store(connection, provider):
    failing = Failing(provider, 0)
    with database.execute_wrapper(failing):
        reject_and_refresh(connection, FakeHttp(failing.call))
    assert failing.statements[0].startswith('UPDATE "connections_credential"')


def test_a_store_whose_commit_was_not_heard_counts(connection, provider):
    """The line broke after the commit: the second try finds its own document."""
    failing = Failing(provider, 0)

    def lost_after_commit(execute, sql, *rest):
        result = failing(execute, sql, *rest)
        if len(failing.statements) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        return result

    with database.execute_wrapper(lost_after_commit):
        assert reject_and_refresh(connection, FakeHttp(failing.call), sleep=lambda seconds: None)
    assert list_event_kinds() == ["refreshed"] and lane(connection).hold_reason == ""


def test_the_tries_end_within_the_claim():
    assert sum(STORE_DELAYS) < 20  # of the claim's 30 seconds, of which the call may take 10
