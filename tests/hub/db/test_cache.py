"""What all web processes remember together."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.db import connection as database

from hub.db import cache as module
from hub.db.cache import Cached, SharedCache, delete_some_expired
from hub.db.clock import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def cache():
    return SharedCache("", {})


@pytest.fixture
def other_cache():
    return SharedCache("", {})


def test_it_is_the_one_that_everybody_uses():
    assert isinstance(caches["default"], module.SharedCache)


def test_what_one_process_keeps_another_reads(cache, other_cache):
    cache.set("tries", [3.5, 1.25], timeout=60)
    assert other_cache.get("tries") == [3.5, 1.25]
    other_cache.delete("tries")
    assert cache.get("tries", "gone") == "gone"


def test_one_of_two_adds(cache, other_cache):
    assert [cache.add("lock", True), other_cache.add("lock", True)] == [True, False]


def expire_entries():
    Cached.objects.update(ends_at=clock() - timedelta(hours=2))


def test_what_has_ended_is_not_there_and_can_be_added(cache, other_cache):
    cache.add("lock", 1)
    expire_entries()
    assert cache.get("lock") is None
    assert not cache.touch("lock")
    assert other_cache.add("lock", 2)
    assert cache.get("lock") == 2


def test_what_has_ended_is_cleared_by_what_comes(cache):
    cache.set("old", 1)
    expire_entries()
    delete_some_expired(now=clock())
    assert not Cached.objects.exists()


def test_it_keeps_json_and_nothing_that_could_run(cache):
    cache.set("strange", object())
    assert cache.get("strange") is None
    cache.set("x" * 10_000, 1)
    assert cache.get("x" * 10_000) == 1
    cache.clear()
    assert not Cached.objects.exists()


def test_it_lasts_longer_when_touched(cache):
    cache.set("kept", 1, timeout=1)
    before = Cached.objects.get().ends_at
    assert cache.touch("kept", timeout=None)
    assert Cached.objects.get().ends_at > before + timedelta(days=300)


@pytest.mark.corrections(item="3.7")
@pytest.mark.skipif(database.vendor == "sqlite", reason="its test database is one thread's")
@pytest.mark.django_db(transaction=True)
def test_a_lock_that_many_take_and_release_at_once_is_never_an_error(cache):
    def take_and_release(_number):
        try:
            return [cache.add("lock", True) and cache.delete("lock") for _ in range(150)]
        finally:
            database.close()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(take_and_release, range(8)))
    assert all(True in result for result in results)
    assert not Cached.objects.exists()
