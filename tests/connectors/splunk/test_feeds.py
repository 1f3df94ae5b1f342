"""The position of a read among triggered alerts, and the webhook of an alert that was read."""

import pytest

from connectors.http import Response, dump_json
from connectors.outcomes import READ_ERRORS
from connectors.splunk.connector import Splunk
from connectors.splunk.feeds import PAGE_SIZE, FiredAlerts, ReadState
from connectors.splunk.webhooks import SplunkWebhooks
from connectors.webhook_request import WebhookRequest
from tests.connectors.recorded import credential

SOURCE, ALERTS = SplunkWebhooks(), FiredAlerts()
QUERY = {"since": "2026-11-25T12:00:00+00:00", "until": "2026-11-25T13:00:00+00:00"}
IN_GAP, BEFORE = 1_795_609_000, 1_795_600_000


def entry(number, at=IN_GAP):
    content = {"sid": f"s{number}", "savedsearch_name": "Errors", "trigger_time": at}
    return {"content": content, "acl": {"app": "search", "owner": "admin"}}


def read(state, status=200, **answer):
    response = Response(status, dump_json(answer))
    return ALERTS.parse_page_at(response, cursor=state.to_cursor(), query=QUERY)


def test_the_list_is_read_until_an_alert_is_older_than_the_gap():
    page = read(ReadState(), entry=[entry(number) for number in range(PAGE_SIZE)])
    state = ReadState.parse(page.cursor)
    assert (state.offset, len(state.alerts), page.records) == (PAGE_SIZE, PAGE_SIZE, ())
    older = [entry(number, BEFORE) for number in range(PAGE_SIZE)]
    assert read(ReadState(PAGE_SIZE), entry=older).cursor == ""


@pytest.mark.parametrize(
    ("status", "answer", "row"),
    [
        (200, {"results": [{"count": "8"}, {"count": "9"}]}, {"count": "8"}),
        (200, {"results": []}, {}),
        (204, {}, {}),
        (404, {"messages": []}, {}),
    ],
)
def test_an_alert_has_the_first_row_of_its_search_if_that_is_kept(status, answer, row):
    state = ReadState.parse(read(ReadState(), entry=[entry(1)]).cursor)
    page = read(state, status, **answer)
    (record,) = page.records
    assert (record["sid"], record["result"], page.cursor) == ("s1", row, "")
    (change,) = SOURCE.record_changes("fired_alerts", record, account="")
    request = WebhookRequest("READ", "", change.body)
    (item,) = SOURCE.parse_items(request, {}, message_id="message")
    assert (item.id, item.record, item.data["result"]) == (change.item_id, "s1", row)
    assert item.change_key == change.change_key == "alert:s1"


@pytest.mark.parametrize("record", [{}, {"sid": "s1"}, {"sid": "s1", "at": "x"}])
def test_what_is_no_alert_is_unreadable(record):
    with pytest.raises(READ_ERRORS):
        SOURCE.record_changes("fired_alerts", record, account="")


@pytest.mark.parametrize("name", ["management_url", "management_token"])
def test_the_management_api_needs_an_address_and_a_token(name):
    secret, settings = {"token": "t"}, {"url": "https://splunk.example.com:8088"}
    (secret if name.endswith("token") else settings)[name] = "https://splunk.example.com:8089"
    problem = Splunk().find_credential_problem(
        credential("splunk", secret=secret, settings=settings)
    )
    assert problem.startswith("missing: Management")
