"""Reports, with the sandbox's Salesforce, Pipedrive, application and Slack by real HTTP."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from hub.outgoing.models import Delivery, Event, Route
from hub.scheduled.reports.executor import run_report
from hub.scheduled.runs.context import RunBlocked, RunFailed, RunStopped
from tests.hub.scheduled.reports.report_posts import place_orders, post
from tests.hub.scheduled.sandbox_run import MONDAY_AT_NINE, ORG, connect, execute, start_run

pytestmark = pytest.mark.django_db(transaction=True)
CHANNEL = {"message": {"channel": "C0000ORD1"}}
DECEMBER = datetime(2026, 12, 1, 8, tzinfo=UTC)
AFTER_NOON = datetime(2026, 11, 30, 8, tzinfo=UTC)  # a Monday after the sandbox's present


def seed_orders(desk, *orders, name="an order"):
    """Orders in Salesforce, each with the time of its creation and its amount."""
    records = [
        {
            "Status": "Draft",
            "AccountId": "001000000000001AAA",
            "EffectiveDate": created[:10],
            "TotalAmount": total,
            "CreatedDate": created,
            "Name": name,
        }
        for created, total in orders
    ]
    answer = desk.post(
        "/_control/seed",
        json={"system": "salesforce", "account": ORG, "object": "Order", "records": records},
    )
    assert answer.status_code < 300, answer.text


def test_last_weeks_orders_in_salesforce_become_a_message_with_a_table_and_a_chart(
    make, desk, acme
):
    connect(make, desk, acme, "salesforce", "slack")
    seed_orders(
        desk,
        ("2026-11-15T22:59:59.000+0000", 1000),  # still Sunday in Berlin, the week before
        ("2026-11-15T23:00:00.000+0000", 10.10),  # Monday 00:00
        ("2026-11-18T12:00:00.000+0000", 20.20),
        ("2026-11-22T22:30:00.000+0000", 70),  # Sunday 23:30
        ("2026-11-22T23:00:00.000+0000", 5000),  # Monday 00:00 of this week
    )
    context = start_run(make, acme, "salesforce", **CHANNEL)
    result = execute(run_report, context)
    assert result["totals"] == ["3", "100.3"]
    assert [row[1] for row in result["rows"]] == ["1", "0", "1", "0", "0", "0", "1"]
    assert result["period"]["from"] == "2026-11-16T00:00:00+01:00"
    delivery = Delivery.unscoped.get()
    assert (str(delivery.public_id), delivery.state) == (result["delivery"], "waiting")
    assert delivery.due_at > context.at  # Slack processes the file
    picture = desk.get(f"/slack/files/view/{result['picture']}")
    assert picture.content.startswith(b"\x89PNG")
    page = post(desk, delivery)
    assert "<strong>Weekly sales</strong>" in page and re.search(r"Total +3 +100\.30\n?<", page)
    assert f"/slack/files/view/{result['picture']}" in page


@pytest.mark.corrections(item="1.15")
@pytest.mark.parametrize(
    ("condition", "total"),
    [
        ({"field": "Name", "is": "not_null"}, "37"),
        ({"field": "TotalAmount", "is": "not_equal", "value": 30}, "7"),
        ({"field": "Name", "is": "in", "value": ["tea", "pots"]}, "30"),
        ({"field": "Name", "is": "not_in", "value": ["tea"]}, "7"),
    ],
)
def test_a_report_counts_only_what_meets_its_conditions(make, desk, acme, condition, total):
    connect(make, desk, acme, "salesforce", "slack")
    seed_orders(desk, ("2026-11-18T12:00:00.000+0000", 30), name="tea")
    seed_orders(desk, ("2026-11-18T12:00:00.000+0000", 7), name="cups")
    query = {"kind": "soql", "conditions": [condition]}
    context = start_run(make, acme, "salesforce", query=query, **CHANNEL)
    assert execute(run_report, context)["totals"][1] == total


def test_an_empty_period_says_so(make, desk, acme):
    connect(make, desk, acme, "salesforce", "slack")
    context = start_run(make, acme, "salesforce", **CHANNEL)
    result = execute(run_report, context)
    assert (result["is_empty"], result["table"], result["picture"]) == (True, "", "")
    assert not any("slack" in call for call in context.called)
    assert "Nothing happened in this period." in post(desk, Delivery.unscoped.get())


@pytest.mark.parametrize("saves", range(5))
def test_an_interrupted_run_sends_one_message_and_one_set_of_figures(make, desk, acme, saves):
    connect(make, desk, acme, "salesforce", "slack")
    seed_orders(desk, ("2026-11-18T12:00:00.000+0000", 20))
    options = {"query": {"kind": "soql", "split": "week"}, "period": "last_month"} | CHANNEL
    context = start_run(make, acme, "salesforce", slot_at=DECEMBER, **options)
    context.at, context.stop_after = DECEMBER, saves + 5  # five parts, each with its progress
    with suppress(RunStopped):
        execute(run_report, context)
    seed_orders(desk, ("2026-11-19T12:00:00.000+0000", 7))
    has_figures = "figures" in context.run.cursor
    context.stop_after = None
    first = execute(run_report, context)
    again = execute(run_report, context)
    assert first["totals"][1] == ("20" if has_figures else "27")
    assert Delivery.unscoped.count() == Event.unscoped.count() == 1
    assert first["delivery"] == again["delivery"]


@pytest.mark.corrections(item="1.13")
@pytest.mark.parametrize("saves", range(5))
def test_a_report_that_is_resumed_over_changed_orders_counts_each_of_them_once(
    make, desk, acme, saves
):
    connect(make, desk, acme, "salesforce", "slack")
    order = {"Id": "801000000000077AAA", "Status": "Draft", "TotalAmount": 9}
    seed = {"system": "salesforce", "account": ORG, "object": "Order"}

    def place(day):
        records = [{**order, "CreatedDate": f"2026-11-{day}T12:00:00.000+0000"}]
        assert desk.post("/_control/seed", json={**seed, "records": records}).ok

    place("02")
    options = {"query": {"kind": "soql", "split": "week"}, "period": "last_month"} | CHANNEL
    context = start_run(make, acme, "salesforce", slot_at=DECEMBER, **options)
    context.at, context.stop_after = DECEMBER, saves  # of the five weeks
    with pytest.raises(RunStopped):
        execute(run_report, context)
    place("29")
    context.at += timedelta(minutes=4)
    context.stop_after = None
    assert execute(run_report, context)["totals"] == ["1", "9"]


@pytest.mark.corrections(item="1.13")
def test_a_report_that_is_resumed_between_pages_of_orders_reads_all_of_them_again(make, desk, acme):
    connect(make, desk, acme, "app", "slack")
    seed = {"system": "app", "account": "acme", "object": "orders"}
    placed = {"placed_at": "2026-11-26T12:00:00+00:00", "total": "1.00", "currency": "EUR"}
    many = {"count": 2_500, "fields": {**placed, "number": "B-{n:05d}"}}
    assert desk.post("/_control/seed", json={**seed, "generate": many}).ok
    context = start_run(make, acme, "app", slot_at=AFTER_NOON, **CHANNEL)
    context.at, context.stop_at_call = AFTER_NOON, 2
    with pytest.raises(RunStopped):
        execute(run_report, context)
    changed = {**placed, "number": "B-01001", "total": "8.00"}
    assert desk.post("/_control/seed", json={**seed, "records": [changed]}).ok
    context.at += timedelta(minutes=4)
    assert execute(run_report, context)["totals"] == ["2500", "2507"]


def test_markup_in_a_name_stays_text_in_slack(make, desk, acme):
    connect(make, desk, acme, "salesforce", "slack")
    seed_orders(desk, ("2026-11-18T12:00:00.000+0000", 20), ("2026-11-18T12:00:00.000+0000", 5))
    title = "<!channel> *bold* & <https://evil.example|click>" + "&" * 140
    options = {"title": title, **CHANNEL}
    context = start_run(make, acme, "salesforce", **options)
    context.job.name = "``` <@U0000ANN1>"
    execute(run_report, context)
    page = post(desk, Delivery.unscoped.get())
    assert "https://evil.example" not in re.findall(r'href="([^"]+)"', page)
    assert 'class="mention"' not in page


def test_groups_are_named_by_their_field_and_hostile_names_stay_in_their_column(make, desk, acme):
    connect(make, desk, acme, "salesforce", "slack")
    names = ["```<!here>", "a\nb\x00c", "", "東京"]
    for name in names:
        seed_orders(desk, ("2026-11-18T12:00:00.000+0000", 10), name=name)
    query = {"kind": "soql", "group_by": "Name"}
    context = start_run(make, acme, "salesforce", query=query, **CHANNEL)
    result = execute(run_report, context)
    labels = [row[0] for row in result["rows"]]
    assert sorted(labels) == sorted(["```<!here>", "a b c", "–", "東京"])
    page = post(desk, Delivery.unscoped.get())
    assert page.count("<pre>") == 1 and "´´´&lt;!here&gt;" in page


def test_a_dry_run_reads_and_sends_nothing(make, desk, acme):
    connect(make, desk, acme, "salesforce", "slack")
    seed_orders(desk, ("2026-11-18T12:00:00.000+0000", 20))
    context = start_run(make, acme, "salesforce", dry=True, **CHANNEL)
    result = execute(run_report, context)
    assert "20" in result["table"] and result["delivery"] == ""
    assert not Event.unscoped.exists() and not any("slack" in call for call in context.called)


def test_deals_of_pipedrive_by_status_and_currency(make, desk, acme):
    connect(make, desk, acme, "pipedrive", "slack")
    for value, status in ((10.5, "won"), (20, "won"), (7, "lost")):
        deal = {"title": "deal", "value": value, "currency": "CHF", "status": status}
        token = {"Authorization": "Bearer v1u:acme-1"}
        assert desk.post("/pipedrive/acme/api/v2/deals", json=deal, headers=token).ok
    context = start_run(make, acme, "pipedrive", **CHANNEL)
    result = execute(run_report, context)
    chf = result["columns"].index("CHF")
    won = next(row for row in result["rows"] if row[0] == "won")
    assert won[chf] == "30.5" and result["columns"][:2] == ["Status", "Deals"]


@pytest.mark.corrections(item="1.10")
def test_a_report_of_deals_names_the_day_and_not_a_period_that_nothing_applied(make, desk, acme):
    connect(make, desk, acme, "pipedrive", "slack")
    context = start_run(make, acme, "pipedrive", **CHANNEL)
    result = execute(run_report, context)
    assert (result["period"]["from"], result["period"]["label"]) == (None, "as of 23 Nov 2026")
    page = post(desk, Delivery.unscoped.get())
    assert "as of 23 Nov 2026" in page and "in this period" not in page


def test_own_orders_are_counted_once_with_a_total_for_each_currency(make, desk, acme):
    connect(make, desk, acme, "app", "slack")
    place_orders(desk, "20.10", "30.20")
    place_orders(desk, "7.00", currency="USD")
    place_orders(desk, "999.00", tenant="globex")
    context = start_run(make, acme, "app", slot_at=AFTER_NOON, **CHANNEL)
    context.at = AFTER_NOON
    result = execute(run_report, context)
    assert result["columns"] == ["Day", "Orders", "EUR", "USD"]
    assert result["totals"] == ["3", "50.3", "7"]


@pytest.mark.corrections(item="1.10")
def test_currencies_compare_without_case_and_an_absent_one_has_its_own_column(make, desk, acme):
    connect(make, desk, acme, "app", "slack")
    placed = {"placed_at": "2026-11-26T12:00:00+00:00", "total": "12345678901234567.8"}
    currencies = [
        {"currency": "eur"},
        {"currency": "EUR "},
        {"currency": None},
        {"currency": ""},
        {},
    ]
    records = [placed | {"number": f"B-{n}"} | entry for n, entry in enumerate(currencies)]
    seed = {"system": "app", "account": "acme", "object": "orders", "records": records}
    assert desk.post("/_control/seed", json=seed).ok
    context = start_run(make, acme, "app", slot_at=AFTER_NOON, **CHANNEL)
    context.at = AFTER_NOON
    result = execute(run_report, context)
    assert result["columns"] == ["Day", "Orders", "EUR", "No currency"]
    assert result["totals"] == ["5", "24691357802469135.6", "37037036703703703.4"]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({"count": "events", "group_by": "type"}, [["order.created", "2"], ["user.created", "1"]]),
        ({"count": "deliveries", "group_by": "connector"}, [["webhook", "2"]]),
    ],
)
def test_events_and_deliveries_of_this_tenant_are_counted(make, desk, acme, query, rows):
    (slack,) = connect(make, desk, acme, "slack")
    endpoint = make.connection(acme)
    make.route(endpoint)
    other = make.tenant()
    make.route(make.connection(other))
    inside, outside = MONDAY_AT_NINE - timedelta(days=3), MONDAY_AT_NINE - timedelta(days=9)
    for tenant, at in ((acme, inside), (acme, inside), (acme, outside), (other, inside)):
        make.event(tenant, now=at)
    make.event(acme, "user.created", now=inside)
    context = start_run(make, acme, "slack", query={"kind": "own", **query}, **CHANNEL)
    assert execute(run_report, context)["rows"] == rows


def test_invalid_options_fail_for_good_and_name_the_option(make, desk, acme):
    context = start_run(make, acme, "salesforce", period="yesterday")
    with pytest.raises(RunFailed, match="period") as caught:
        execute(run_report, context)
    assert (caught.value.reason, caught.value.can_retry) == ("options_invalid", False)


def test_a_report_to_a_system_that_is_not_connected_is_blocked_before_any_call(make, desk, acme):
    connect(make, desk, acme, "salesforce")
    context = start_run(make, acme, "salesforce")
    with pytest.raises(RunBlocked):
        execute(run_report, context)
    assert context.called == []


@pytest.mark.parametrize(
    "body",
    [
        {"totalSize": 1, "done": True, "records": [{"figure0": 1, "figure1": "NaN"}]},
        {"totalSize": 1, "done": True, "records": [{"figure0": True, "figure1": 1}]},
        {"totalSize": 1, "done": True, "records": [{"figure0": 1}]},
        {"totalSize": 0, "done": True, "records": []},
        {"totalSize": 1, "done": True, "records": [{"figure0": 1, "figure1": 1e300}]},
        {"totalSize": 2, "done": True, "records": [{"figure0": 1, "figure1": 1}]},
    ],
)
def test_figures_that_are_none_are_never_reported(make, desk, acme, body):
    connect(make, desk, acme, "salesforce", "slack")
    desk.fault("salesforce", path="/query", body=body, times=0)
    context = start_run(make, acme, "salesforce", **CHANNEL)
    with pytest.raises(RunFailed) as caught:
        execute(run_report, context)
    assert caught.value.reason in ("report_unreadable", "read_incomplete")
    assert not Event.unscoped.exists()


def test_reports_with_one_mapping_share_a_disabled_route(make, desk, acme):
    connect(make, desk, acme, "salesforce", "slack")
    for _number in range(2):
        execute(run_report, start_run(make, acme, "salesforce", **CHANNEL))
    other = {"message": {"channel": "C1", "mapping": {"channel": "'C1'", "text": "data.summary"}}}
    execute(run_report, start_run(make, acme, "salesforce", **other))
    routes = Route.unscoped.filter(event_type="report.finished")
    assert routes.count() == 2 and not routes.filter(enabled=True).exists()
    assert Delivery.unscoped.count() == 3


def test_a_report_to_an_endpoint_is_the_whole_event(make, desk, acme):
    connect(make, desk, acme, "salesforce")
    endpoint = make.connection(acme)
    message = {"connector": "webhook", "action": endpoint.connector.actions[0].key}
    context = start_run(make, acme, "salesforce", message=message)
    execute(run_report, context)
    delivery = Delivery.unscoped.get()
    assert delivery.connection == endpoint and delivery.route.mapping.current.body == {}
