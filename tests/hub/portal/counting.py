"""How many statements a page asks; session, person and membership are three of them."""

from django.db import connection
from django.test.utils import CaptureQueriesContext


def queries(look):
    with CaptureQueriesContext(connection) as asked:
        page = look()
    assert page.status_code == 200
    return page, len(asked)
