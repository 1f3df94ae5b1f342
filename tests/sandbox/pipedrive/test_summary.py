"""The summary of deals, as the simulated Pipedrive answers it and as our connector reads it."""

import pytest

from connectors.registry import CONNECTORS
from tests.connectors.recorded import NOON
from tests.sandbox.test_connectors import key_for, send

DEALS = "/pipedrive/acme/api/v2/deals"
TOKEN = {"Authorization": "Bearer v1u:acme-1"}
(SUMMARY,) = [one for one in CONNECTORS["pipedrive"].collections if one.key == "deals_summary"]


def summarize(desk, **query):
    return SUMMARY.parse_page(
        send(SUMMARY.page_request(key_for(desk, "pipedrive"), at=NOON, **query))
    )


def add_deal(desk, **fields):
    answer = desk.post(DEALS, json={"title": "a deal", **fields}, headers=TOKEN)
    assert answer.status_code in (200, 201), answer.text


def test_deals_are_summed_up_by_currency_and_status(desk):
    before = {one["currency"]: one for one in summarize(desk, status="won").records}
    add_deal(desk, value=10.5, currency="CHF", status="won")
    add_deal(desk, value=20, currency="CHF", status="won")
    add_deal(desk, value=99, currency="CHF", status="lost")
    after = {one["currency"]: one for one in summarize(desk, status="won").records}
    assert after["CHF"] == {"currency": "CHF", "count": 2, "value": 30.5}
    assert after.keys() - {"CHF"} == before.keys()


def test_no_deals_are_no_records(desk):
    page = summarize(desk, status="open", stage_id="4711")
    assert (list(page.records), page.cursor) == ([], "")


def test_another_permission_is_refused(desk):
    desk.world(pipedrive=[{"company": "701", "scopes": "base,contacts:full"}])
    assert summarize(desk).reason == "permission_missing"


@pytest.mark.parametrize(
    "query", [{"status": "deleted"}, {"filter_id": "1&x=2"}, {"filter_id": "١"}, {"other": "1"}]
)
def test_only_known_parameters_are_sent(desk, query):
    with pytest.raises(ValueError):
        SUMMARY.page_request(key_for(desk, "pipedrive"), at=NOON, **query)
