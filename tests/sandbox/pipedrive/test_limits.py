"""The simulated Pipedrive: what may be called, and how often."""

import pytest

from tests.sandbox.pipedrive_requests import (
    BLOCK,
    DAY,
    GLOBEX,
    call,
    create,
    read_remaining_budget,
    refresh,
    summarize_error,
)


def test_each_call_costs_tokens_of_the_day(desk):
    costs = {
        "GET v1/users/me": 2,
        "POST v2/deals": 5,
        "GET v2/deals": 10,
        "GET v2/deals/1": 1,
        "PATCH v2/deals/1": 5,
        "DELETE v2/deals/1": 3,
        "GET v1/notes": 20,
        "POST v1/notes": 10,
        "GET v1/notes/1": 2,
    }
    left = 30_000
    for line, cost in costs.items():
        method, path = line.split()
        body = {"content": "a", "person_id": 1} if "notes" in path else {"title": "a"}
        answer = call(desk, method, path, json=None if method == "GET" else body)
        assert left - read_remaining_budget(answer) == cost, line
        left = read_remaining_budget(answer)


def test_a_spent_day_is_429_until_midnight(desk):
    desk.world(pipedrive=[{"company": "701", "daily_tokens": 9}])
    assert create(desk, "v2/deals", title="a").status_code == 200
    spent = create(desk, "v2/deals", title="b")
    assert (spent.status_code, read_remaining_budget(spent), spent.headers.get("Retry-After")) == (
        429,
        4,
        None,
    )
    desk.now += DAY / 2 - 1
    refreshed = refresh(desk).json()["access_token"]
    assert call(desk, "POST", "v2/deals", token=refreshed, json={"title": "b"}).status_code == 429
    desk.now += 1
    assert call(desk, "POST", "v2/deals", token=refreshed, json={"title": "b"}).status_code == 200


def test_the_plan_and_the_seats_make_the_day(desk):
    desk.world(pipedrive=[{"company": "702", "plan": "premium", "seats": 3}])
    headers = call(desk, "GET", "v1/users/me", token=GLOBEX).headers
    assert headers["x-daily-ratelimit-token-limit"] == "450000"
    assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("400", "399")


def test_the_day_may_be_untold(desk):
    desk.world(pipedrive=[{"company": "701", "daily_told": False}])
    assert not [name for name in call(desk, "GET", "v1/users/me").headers if "daily" in name]


def test_a_burst_is_429_for_that_token_for_two_seconds(desk):
    desk.world(pipedrive=[{"company": "701", "burst": 2}])
    answers = [call(desk, "GET", "v1/users/me") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "Retry-After" not in answers[2].headers
    assert (
        answers[2].headers["x-ratelimit-remaining"],
        answers[2].headers["x-ratelimit-reset"],
    ) == ("0", "2")
    assert call(desk, "GET", "v1/users/me", token=GLOBEX).status_code == 200
    desk.now += 2
    assert call(desk, "GET", "v1/users/me").status_code == 200


def test_a_client_that_ignores_many_429s_meets_cloudflare(desk):
    desk.world(pipedrive=[{"company": "701", "burst": 1}])
    statuses = [call(desk, "GET", "v1/users/me").status_code for _ in range(32)]
    assert statuses == [200, *[429] * 30, 403]
    page = call(desk, "GET", "v1/users/me", token=GLOBEX)
    assert page.headers["Content-Type"].startswith("text/html") and "Error 1015" in page.text
    desk.now += BLOCK
    assert call(desk, "GET", "v1/users/me").status_code == 200


@pytest.mark.parametrize(
    ("status", "error"), [(403, "Scope and URL mismatch"), (429, "request over limit")]
)
def test_a_fault_speaks_its_words(desk, status, error):
    desk.fault("pipedrive", account="701", status=status)
    assert summarize_error(create(desk, "v2/deals", title="a")) == (status, error)


def test_what_the_app_may_not_do_is_refused(desk):
    desk.world(pipedrive=[{"company": "701", "scopes": "base,deals:read"}])
    assert call(desk, "GET", "v2/deals").status_code == 200
    assert summarize_error(create(desk, "v2/deals", title="a")) == (403, "Scope and URL mismatch")


def test_a_closed_account_is_402(desk):
    desk.world(pipedrive=[{"company": "701", "closed": True}])
    assert summarize_error(call(desk, "GET", "v1/users/me")) == (402, "Company account is not open")
