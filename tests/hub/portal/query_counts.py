"""How many statements a page asks; session, person and membership are three of them."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from hub.db.clock import clock


def load_counting_queries(look):
    clock.synchronize()  # now, and not by the page
    with CaptureQueriesContext(connection) as queries:
        page = look()
    assert page.status_code == 200
    return page, len(queries)


def count_queries(client, url):
    """By a page that was looked at before."""
    client.get(url)
    return load_counting_queries(lambda: client.get(url))[1]
