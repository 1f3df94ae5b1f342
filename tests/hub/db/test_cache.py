"""What all web processes remember together."""

from datetime import timedelta

import pytest
from django.core.cache import caches

from hub.db import cache as module
from hub.db.cache import Cached, SharedCache, delete_some_expired
from hub.db.clock import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def one():
    return SharedCache("", {})


@pytest.fixture
def another():
    return SharedCache("", {})


def test_it_is_the_one_that_everybody_uses():
    assert isinstance(caches["default"], module.SharedCache)


def test_what_one_process_keeps_another_reads(one, another):
    one.set("tries", [3.5, 1.25], timeout=60)
    assert another.get("tries") == [3.5, 1.25]
    another.delete("tries")
    assert one.get("tries", "gone") == "gone"


def test_one_of_two_adds(one, another):
    assert [one.add("lock", True), another.add("lock", True)] == [True, False]


def ended():
    Cached.objects.update(ends_at=clock() - timedelta(hours=2))


def test_what_has_ended_is_not_there_and_can_be_added(one, another):
    one.add("lock", 1)
    ended()
    assert one.get("lock") is None
    assert not one.touch("lock")
    assert another.add("lock", 2)
    assert one.get("lock") == 2


def test_what_has_ended_is_cleared_by_what_comes(one):
    one.set("old", 1)
    ended()
    delete_some_expired(now=clock())
    assert not Cached.objects.exists()


def test_it_keeps_json_and_nothing_that_could_run(one):
    one.set("strange", object())
    assert one.get("strange") is None
    one.set("x" * 10_000, 1)
    assert one.get("x" * 10_000) == 1
    one.clear()
    assert not Cached.objects.exists()


def test_it_lasts_longer_when_touched(one):
    one.set("kept", 1, timeout=1)
    before = Cached.objects.get().ends_at
    assert one.touch("kept", timeout=None)
    assert Cached.objects.get().ends_at > before + timedelta(days=300)
