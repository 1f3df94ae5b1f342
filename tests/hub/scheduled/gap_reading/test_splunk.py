"""Reads of gaps at the sandbox's Splunk by real HTTP, with the inbox behind."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from hub.incoming.gaps.reading import find_feed
from hub.incoming.models import InboundItem
from hub.scheduled.gap_reading.start import start_gap_runs
from tests.hub.incoming.webhook_posts import endpoint_of, local_path, run_inbox
from tests.hub.scheduled.gap_reading.gap_runs import counts_of, data_of, list_types, read
from tests.sandbox.running_sandbox import NOON, RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
HEC_TOKEN = "11111111-1111-4111-8111-111111111111"
BEGIN = datetime.fromtimestamp(NOON, UTC) + timedelta(minutes=20)
END, LATER = BEGIN + timedelta(minutes=20), BEGIN + timedelta(minutes=60)


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path).running() as running:
        search = {"stack": "acme", "name": "Errors", "url": "http://127.0.0.1:1/hooks"}
        token = {"stack": "acme", "token": HEC_TOKEN, "management_token": "manager"}
        running.world(splunk=[token], splunk_alerts=[search])
        running.now += 30 * 60
        yield running


def connect(make, desk, token="manager"):
    url = f"{desk.url}/splunk/acme"
    return make.connection(
        make.tenant("acme"),
        "splunk",
        account="",
        settings={"url": url, "management_url": url},
        secret={"token": HEC_TOKEN, "management_token": token},
    )


@pytest.fixture
def splunk(make, desk):
    return connect(make, desk)


@pytest.fixture
def gap(make, splunk):
    return make.gap(make.source(splunk, "alert"), from_at=BEGIN, to_at=END, now=LATER)


def trigger(desk, times=1):
    wish = {"system": "splunk", "account": "acme", "event": "alert", "times": times}
    assert desk.post("/_control/send", json=wish).status_code == 200


def tell(client, connection, sid):
    body = {"sid": sid, "search_name": "Errors", "result": {"count": "8"}}
    path = local_path(endpoint_of(connection))
    response = client.post(path, json.dumps(body), content_type="application/json")
    assert response.status_code == 200
    run_inbox()


def test_missed_alerts_are_events_with_the_first_row_of_their_search(desk, splunk, gap, client):
    trigger(desk, times=3)
    result, called = read(splunk, at=LATER)
    assert (result["read"], counts_of(gap)) == (3, ("closed", 3, 0, 3))
    first, *_others = data_of("splunk.alert.created")
    assert (first["search_name"], first["app"], first["owner"]) == ("Errors", "search", "admin")
    assert first["result"] == {"sourcetype": "access", "count": "8"}
    assert len(called) == 5  # the account, the list, and a row of each alert
    tell(client, splunk, first["sid"])
    assert list_types().count("splunk.alert.created") == 3
    assert InboundItem.unscoped.latest("pk").reason == "read_before"


def build_list(*alerts):
    """Build the list of triggered alerts, from pairs of a sid and a time."""
    acl = {"app": "search", "owner": "admin"}
    contents = [
        {"sid": sid, "savedsearch_name": "Errors", "trigger_time": at} for sid, at in alerts
    ]
    return {"entry": [{"content": content, "acl": acl} for content in contents]}


def test_an_alert_that_was_triggered_for_each_result_does_not_end_the_read(desk, splunk, gap):
    at = desk.now
    body = build_list(("s3", at), ("s2", at), ("s2", at), ("s1", at))
    desk.fault("splunk", path="fired_alerts", status=200, body=body)
    read(splunk, at=LATER)
    assert (counts_of(gap), gap.reason) == (("closed", 3, 0, 3), "")


def test_many_alerts_after_the_gap_do_not_hide_those_in_it(desk, splunk, gap):
    late = build_list(*[(f"s{number}", desk.now + 3600) for number in range(100)])
    for body, times in ((late, 25), (build_list(("s1", desk.now)), 1)):
        desk.fault("splunk", path="fired_alerts", status=200, body=body, times=times)
    read(splunk, at=LATER)
    assert (counts_of(gap), gap.reason) == (("closed", 1, 0, 1), "")


def test_an_alert_that_arrived_or_was_triggered_at_another_time_is_not_read_again(
    desk, splunk, gap, client
):
    desk.now -= 20 * 60
    trigger(desk)
    desk.now += 20 * 60
    trigger(desk)
    sid = desk.get("/_control/sent").json()["sent"][-1]["id"]
    tell(client, splunk, sid)
    read(splunk, at=LATER)
    assert counts_of(gap) == ("closed", 1, 1, 0)


def test_what_was_triggered_more_than_a_day_ago_may_be_missing(make, splunk):
    source = make.source(splunk, "alert")
    gap = make.gap(source, from_at=END - timedelta(days=2), to_at=END, now=LATER)
    read(splunk, at=LATER)
    assert counts_of(gap)[0] == "incomplete" and gap.reason == "history_gone"
    assert (gap.missing_from, gap.missing_to) == (gap.from_at, LATER - timedelta(days=1))


def test_a_gap_that_lasts_is_read_in_parts_however_long_before_it_began(make, splunk):
    begin, now = LATER - timedelta(days=2), LATER
    gap = make.gap(
        make.source(splunk, "alert"),
        state="open",
        from_at=begin,
        to_at=None,
        read_until=now - timedelta(hours=4),
        due_at=now,
        now=begin,
    )
    read(splunk, at=now)
    assert counts_of(gap)[0] == "open" and gap.read_until > now - timedelta(minutes=1)
    gap.transition_to("due", to_at=now, due_at=now)
    read(splunk, at=now + timedelta(minutes=1))
    assert (counts_of(gap)[0], gap.reason) == ("closed", "")


def test_a_refused_management_token_leaves_it_incomplete_and_the_connection_as_it_is(make, desk):
    splunk = connect(make, desk, token="other")
    gap = make.gap(make.source(splunk, "alert"), from_at=BEGIN, to_at=END, now=LATER)
    read(splunk, at=LATER)
    assert counts_of(gap)[0] == "incomplete" and gap.reason == "feed_permission"
    splunk.refresh_from_db()
    assert splunk.state == "healthy"


@pytest.mark.parametrize("settings", [{}, {"management_url": ""}])
def test_without_the_management_api_nothing_is_listed(make, splunk, gap, settings):
    assert find_feed(splunk, "alert") is not None
    splunk.settings = {"url": splunk.settings["url"], **settings}
    splunk.save(update_fields=["settings"])
    assert find_feed(splunk, "alert") is None
    assert start_gap_runs(now=LATER) == 0
    assert counts_of(gap)[0] == "incomplete" and gap.reason == "no_feed"
