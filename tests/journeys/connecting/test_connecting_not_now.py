"""What does not go now: a system that we are not registered at, an attempt that took too long,
clocks that differ.
"""

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.desk, pytest.mark.timeout(180), pytest.mark.xdist_group("running_hub")]

YOU = "You can fix it yourself."
US = "The operator of Integration Hub can fix it."
LATE = "That took longer than ten minutes"


def test_a_system_that_we_are_not_registered_at_is_asked_for_until_it_is(olga, running_hub):
    with running_hub.not_set_up("pipedrive"):
        olga.goes(f"{olga.home}catalogue/?q=pipedrive")
        assert "not set up yet" in olga.reads()
        olga.goes(f"{olga.home}connect/pipedrive/")
        assert "Pipedrive is not set up yet." in olga.reads()
        expect(olga.page.get_by_role("button", name="Authorize at Pipedrive")).to_have_count(0)
        olga.press("Request “Pipedrive”")
        expect(olga.page.get_by_role("status").first).to_be_visible()
        assert "You have requested it." in olga.reads()
    olga.goes(f"{olga.home}connect/pipedrive/")
    expect(olga.page.get_by_role("button", name="Authorize at Pipedrive")).to_be_visible()


def test_who_comes_back_after_ten_minutes_begins_again(olga, running_hub, company):
    olga.begins("salesforce")
    running_hub.ten_minutes_pass(company)
    olga.allows()
    olga.assert_told(LATE, YOU)
    olga.assert_not_connected("salesforce")


def test_who_confirms_after_ten_minutes_begins_again(olga, running_hub, company):
    olga.begins("slack")
    olga.allows()
    running_hub.ten_minutes_pass(company)
    olga.press("Connect")
    olga.assert_told(LATE, YOU)
    olga.assert_not_connected("slack")


def test_clocks_that_differ_are_reported_to_who_can_set_them(olga, running_hub):
    running_hub.fault(
        "slack", path="oauth.v2.access", body={"ok": False, "error": "invalid_code"}, ahead=400
    )
    olga.begins("slack")
    olga.allows()
    olga.assert_told("The clocks differ", US)
    expect(olga.page.get_by_label("A message that you can send them")).to_have_value(
        re.compile("synchronise it with NTP")
    )
    olga.assert_not_connected("slack")
