"""How an own endpoint is called: its own headers, how fast; which events, as a tree and by a filter
put together.
"""

import pytest

from hub.audit import AuditRow
from hub.connections.models import Connection
from hub.outgoing.models import Route
from tests.factories import WHSEC
from tests.hub.portal.endpoints.test_endpoints import page_of, text
from tests.hub.portal.query_counts import count_queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(make, acme):
    headers = '{"X-Team": "sales", "Authorization": "Bearer secret-of-theirs"}'
    return make.connection(
        acme, name="Own endpoint", secret={"signing_secret": WHSEC, "headers": headers}
    )


def headers_of(endpoint):
    row = Connection.unscoped.select_related("credential").get(pk=endpoint.pk)
    return row.connector.action("send"), row.credential.open(row)["headers"]


# --- own headers ---


def test_one_is_added_and_one_removed_and_the_others_stay(admin, endpoint):
    admin.post(
        page_of(endpoint, "headers"), {"drop": ["X-Team"], "name": "X-Shop", "value": "north"}
    )
    assert (
        headers_of(endpoint)[1] == '{"Authorization": "Bearer secret-of-theirs", "X-Shop": "north"}'
    )
    row = AuditRow.objects.get(verb="endpoint.headers")
    assert row.after == {"headers": ["Authorization", "X-Shop"]} and "north" not in str(row.before)


def test_one_that_is_there_gets_another_value_whatever_its_case(admin, endpoint):
    admin.post(page_of(endpoint, "headers"), {"name": "x-team", "value": "south"})
    assert '"x-team": "south"' in headers_of(endpoint)[1] and "sales" not in headers_of(endpoint)[1]


def test_values_are_never_shown(admin, endpoint):
    for more in ("", "headers"):
        html = text(admin.get(page_of(endpoint, more)))
        assert "Authorization" in html and "secret-of-theirs" not in html and "sales" not in html


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "evil.test"),
        ("connection", "close"),
        ("Transfer-Encoding", "chunked"),
        ("TE", "trailers"),
        ("Upgrade", "h2c"),
        ("Keep-Alive", "1"),
        ("Proxy-Authorization", "Basic eDp5"),
        ("Content-Length", "0"),
        ("webhook-signature", "v1,x"),
        ("Webhook-Id", "msg_1"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("Cookie", "a=b"),
        ("Authorization", "secret-of-mine"),
        ("X-A\r\nHost: evil", "1"),
        ("X-A", "1\r\nHost: evil"),
        ("X-A", "1\0"),
        ("X Y", "1"),
        ("X-Ä", "1"),
        ("X-A", "ä"),
        ("X-A", ""),
        ("", "lonely"),
        ("", ""),
        ("X-" + "a" * 80, "1"),
        ("X-A", "1" * 3000),
    ],
)
def test_what_may_not_be_set_is_refused_in_words_and_nothing_changes(admin, endpoint, name, value):
    before = headers_of(endpoint)[1]
    html = text(admin.post(page_of(endpoint, "headers"), {"name": name, "value": value}))
    assert "errorlist" in html or "notice bad" in html
    assert headers_of(endpoint)[1] == before and "secret-of-mine" not in html
    assert not AuditRow.objects.exists()


def test_twenty_are_enough(admin, endpoint):
    for number in range(18):
        admin.post(page_of(endpoint, "headers"), {"name": f"X-{number}", "value": "1"})
    assert "at most 20" in text(
        admin.post(page_of(endpoint, "headers"), {"name": "X-More", "value": "1"})
    )


def test_a_member_changes_neither_headers_nor_pace(member, endpoint):
    assert member.get(page_of(endpoint, "headers")).status_code == 403
    assert member.post(page_of(endpoint, "pace"), {"calls_a_second": "5"}).status_code == 403


# --- how fast ---


def test_a_customer_says_how_many_calls_a_second(admin, endpoint):
    assert admin.post(page_of(endpoint, "pace"), {"calls_a_second": "5"}).status_code == 302
    assert Connection.unscoped.get().settings["calls_a_second"] == 5
    assert 'value="5"' in text(admin.get(page_of(endpoint))) and "at most 5 per second" in text(
        admin.get(LIST)
    )
    admin.post(page_of(endpoint, "pace"), {"calls_a_second": ""})
    assert Connection.unscoped.get().settings["calls_a_second"] is None
    assert [row.after for row in AuditRow.objects.order_by("number")] == [
        {"calls_a_second": 5},
        {"calls_a_second": None},
    ]


LIST = "/t/acme/endpoints/"


@pytest.mark.parametrize("said", ["0", "-1", "1001", "1.5", "fast", "1e3"])
def test_nonsense_is_refused_on_the_page(admin, endpoint, said):
    assert "errorlist" in text(admin.post(page_of(endpoint, "pace"), {"calls_a_second": said}))
    assert "calls_a_second" not in Connection.unscoped.get().settings


# --- which events ---


def test_types_stand_in_a_tree_with_version_schema_and_example(admin, make, acme, endpoint):
    make.event(acme, "order.created", data={"total": 12})
    make.event(acme, "order.created.v2", data={"total": {"amount": 12}})
    make.event(acme, "lead.won", data={"name": "Ann"})
    html = text(admin.get(page_of(endpoint, "events")))
    assert (
        "<legend><code>order</code></legend>" in html
        and 'value="order.*"' in html
        and 'value="lead.*"' not in html
    )
    assert (
        "Version 2: schema and example" in html and "&quot;type&quot;: &quot;integer&quot;" in html
    )
    assert (
        "&quot;name&quot;: &quot;Ann&quot;" in html and '<option value="data.total.amount">' in html
    )


def test_a_whole_branch_is_chosen_at_once(admin, make, acme, endpoint):
    for type in ("order.created", "order.paid"):
        make.event(acme, type)
    admin.post(page_of(endpoint, "events"), {"types": ["order.*", "order.paid"]})
    assert list(Route.unscoped.values_list("event_type", flat=True)) == ["order.*"]
    assert 'value="order.*" id="id_types_1" checked' in text(admin.get(page_of(endpoint, "events")))


@pytest.mark.parametrize("count", [0, 1, 60])
def test_many_types_cost_no_more_questions(admin, make, acme, endpoint, count):
    for number in range(count):
        make.event(acme, f"kind{number % 7}.n{number}")
    assert count_queries(admin, page_of(endpoint, "events")) == (9 if count else 8)


def test_an_example_is_shown_as_text(admin, make, acme, endpoint):
    make.event(acme, data={"<script>alert(1)</script>": "</pre><script>"})
    assert "<script>alert" not in text(admin.get(page_of(endpoint, "events")))


def test_a_condition_is_written_into_the_filter_and_tried_and_not_saved(
    admin, make, acme, endpoint
):
    for total in (1, 10):
        make.event(acme, data={"total": total})
    data = {"others": "order.*", "filter": "data.total > `0`", "add": "1"}
    data |= {"joint": "and", "path": "data.total", "how": "less", "value": "5"}
    page = admin.post(page_of(endpoint, "events"), data)
    assert page.context["form"]["filter"].value() == "data.total > `0` && data.total < `5`"
    assert [match.passed for match in page.context["matches"]] == [False, True]
    assert not Route.unscoped.exists()


@pytest.mark.parametrize("path", ["", "data..x", "x" * 300])
def test_a_condition_of_nothing_is_refused_beside_it(admin, endpoint, path):
    data = {
        "others": "*",
        "filter": "data.total",
        "add": "1",
        "joint": "and",
        "path": path,
        "how": "is",
        "value": "5",
    }
    page = admin.post(page_of(endpoint, "events"), data)
    assert page.context["form"]["filter"].value() == "data.total" and page.context["more"].errors
    assert not Route.unscoped.exists()
