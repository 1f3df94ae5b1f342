"""Support visits read every page of the tenant, and change nothing."""

import pytest

from tests.tenant_isolation.api.routes import rows
from tests.tenant_isolation.staff_blocks import list_staff_templates
from tests.tenant_isolation.test_pages import ROUTES, SAID, acme, address, drop_last_logins
from tests.tenants.door import open_portal_as_support

__all__ = ["acme", "address"]
pytestmark = pytest.mark.django_db

HIDDEN = {  # secrets, links that let people in, exports, and what needs a person of the tenant
    "members/invite",
    "members/<uuid:id>/<slug:verb>",
    "connections/<uuid:id>/notifications/",
    "events/export.<slug:kind>",
    "connections/<uuid:id>/identities/export.csv",
    "links/",
}
NOT_THERE = {  # as their address names nothing that is
    "connections/<uuid:id>/identities/remove/",
    "runs/<uuid:id>/certificate.<slug:kind>",
}
BANNER = "pages as support, read-only, until"
UNSAFE = ("post", "put", "patch", "delete")


@pytest.fixture
def support(client, make, acme):
    """The browser of a member of staff who visits."""
    person = make.staff(is_superuser=True)
    client.force_login(person)
    open_portal_as_support(client, acme)
    return client


@pytest.mark.parametrize("route", ROUTES)
def test_a_page_is_shown_with_the_banner_or_refused_and_reading_writes_nothing(
    support, address, route
):
    url = address(route)
    before = drop_last_logins(rows())
    answer = support.get(url)
    if route in HIDDEN:
        assert answer.status_code == 403, url
    else:
        expected = (404,) if route in NOT_THERE else (200, 302, 405)
        assert answer.status_code in expected, (url, answer.status_code)
    if answer.status_code == 302:
        assert answer.headers["Location"].startswith("/t/acme-only/"), url
    if answer.status_code == 200 and is_page(answer):
        assert BANNER in answer.content.decode(), url
    assert list_staff_templates(answer) == [], url
    assert drop_last_logins(rows()) == before


@pytest.mark.parametrize("route", ROUTES)
def test_no_unsafe_method_changes_anything(support, address, route):
    url = address(route)
    before = drop_last_logins(rows())
    for method in UNSAFE:
        answer = getattr(support, method)(url, SAID if method == "post" else None)
        assert answer.status_code in (403, 405), (method, url, answer.status_code)
    assert drop_last_logins(rows()) == before


def is_page(answer):
    """Not a part of a page, and no file."""
    return answer.headers["Content-Type"].startswith("text/html") and b"<!doctype" in answer.content
