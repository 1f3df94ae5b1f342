"""The first page: the connections of a tenant, or the next step."""

import pytest

from tests.hub.portal.counting import queries
from tests.makers import NOON

pytestmark = pytest.mark.django_db


def test_an_empty_tenant_is_shown_the_next_step(owner):
    text = owner.get("/t/acme/").content.decode()
    assert "Nothing is connected yet" in text and 'href="/t/acme/catalogue/"' in text


def test_what_needs_a_person_stands_first(owner, make, acme):
    make.connection(acme, name="A good one")
    bad = make.connection(acme, name="Z bad one")
    bad.need_reconnect("unauthorized", now=NOON)
    text = owner.get("/t/acme/").content.decode()
    assert text.index("Z bad one") < text.index("A good one")
    assert "One connection needs a look." in text and "The other system refuses the credential." in text


def test_a_suspended_tenant_is_told_so(owner, acme):
    acme.suspend("unpaid", now=NOON)
    assert "Your organisation is suspended" in owner.get("/t/acme/").content.decode()


@pytest.mark.parametrize("count", [0, 1, 60])
def test_many_connections_cost_no_more_queries(owner, make, acme, count):
    for _ in range(count):
        make.connection(acme)
    page, asked = queries(lambda: owner.get("/t/acme/"))
    assert asked == 5
    assert page.content.decode().count('class="card linked"') == count
