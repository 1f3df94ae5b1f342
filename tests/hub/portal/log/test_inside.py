"""What stands inside of events: values anywhere in the data, and what an expression says of them."""

from zoneinfo import ZoneInfo

import pytest

from hub.mappings.translate import Budget
from hub.portal.log.asked import asked_of
from hub.portal.log.inside import Opened, Sought
from hub.portal.log.pages import Cursor, Limits, page_of
from tests.hub.outgoing.operating import many
from tests.makers import NOON

BODY = b'{"id":"x-9","type":"t","data":{"list":[{"deep":"Needle"}],"number":42,"off":false,"none":null}}'
HEAVY = "length(join('', map(&to_string(@), [data, data, data, data]))) > `0`"


@pytest.fixture
def found(make):
    tenant = make.tenant()
    row = Opened(1, None, 1, "x-9", "order.created", NOON)
    return lambda **said: Sought.of(said, tenant, Budget()).in_body(row, BODY)


@pytest.mark.django_db
def test_values_are_sought_everywhere_in_the_data_and_only_there(found):
    assert all(found(value=value) for value in ("needle", "42", "false"))
    assert not any(found(value=value) for value in ("x-9", "deep", "null"))


@pytest.mark.django_db
def test_an_expression_sees_what_a_filter_sees(found):
    assert found(where="data.number > `41` && type == 'order.created' && id == 'x-9'")
    assert not found(where="data.number > `42`") and not found(where="data.number > `41`", value="nowhere")


@pytest.mark.django_db
def test_what_expressions_cost_is_bounded_for_a_page(make):
    first = make.delivery(make.connection(tenant := make.tenant()))
    many(first, 30, state="held")
    asked = asked_of({"where": HEAVY}, tenant, ZoneInfo("UTC"), now=NOON)
    assert len(page_of(tenant, asked, Cursor()).rows) == 31
    page = page_of(tenant, asked, Cursor(), Limits(steps=300))
    assert 0 < len(page.rows) < 31 and page.cut
    assert page_of(tenant, asked, Cursor(after=page.older)).rows
