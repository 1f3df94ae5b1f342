"""A receiver is loaded once, however many requests need it at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection as database

from hub.db.clock import clock
from hub.incoming.models.endpoints import hash_endpoint_key
from hub.incoming.receiving.receiver_cache import CURRENT, MAX_AGE, ReceiverCache
from tests.hub.incoming.sources import make_sender

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8


def load_at_once(cache, digest, *, now, threads, max_age=MAX_AGE):
    """Return how many statements so many requests at the same moment need, and their receivers."""
    barrier, statements = Barrier(threads), []

    def note(execute, sql, params, many, context):
        statements.append(sql)
        return execute(sql, params, many, context)

    def load(_number):
        try:
            with database.execute_wrapper(note):
                barrier.wait()
                return cache.get(("pipedrive", digest), max_age=max_age, now=now)
        finally:
            database.close()

    with ThreadPoolExecutor(threads) as pool:
        receivers = list(pool.map(load, range(threads)))
    return len(statements), receivers


@pytest.mark.corrections(item="2.5")
def test_what_must_be_current_is_loaded_once_for_the_requests_of_one_moment(make, client):
    sender, cache, now = make_sender(make, client, "pipedrive"), ReceiverCache(), clock()
    cache.get(("pipedrive", sender.endpoint.key_digest), now=now)
    later = now + MAX_AGE / 2
    options = {"now": later, "max_age": CURRENT, "threads": THREADS}
    statements, receivers = load_at_once(cache, sender.endpoint.key_digest, **options)
    alone, _ = load_at_once(ReceiverCache(), sender.endpoint.key_digest, **options | {"threads": 1})
    assert statements == alone > 0 and len({id(receiver) for receiver in receivers}) == 1


def test_a_receiver_that_is_too_old_is_loaded_by_one_request_of_many(make, client):
    sender, cache, now = make_sender(make, client, "pipedrive"), ReceiverCache(), clock()
    digest = hash_endpoint_key(sender.url.rstrip("/").rpartition("/")[2])
    for moment in (now, now + MAX_AGE):
        alone, _ = load_at_once(ReceiverCache(), digest, now=moment, threads=1)
        together, receivers = load_at_once(cache, digest, now=moment, threads=THREADS)
        assert together == alone > 0
        assert {receiver.endpoint.pk for receiver in receivers} == {sender.endpoint.pk}
