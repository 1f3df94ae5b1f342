"""Requests of the API are counted for key and tenant; the answer tells what is left, and 429 when
to go on.
"""

import re

import pytest

from hub.limits.models import LimitUsage
from hub.outgoing.models import Event

pytestmark = pytest.mark.django_db

EVENTS, ME = "/api/v1/events", "/api/v1/me"
EVENT = {"type": "order.created", "data": {}}


@pytest.fixture
def acme(make):
    return make.tenant("acme", limits={"requests": 8, "events": 8, "bytes": 4000})


@pytest.fixture
def shop(api, acme):
    return api.of(acme)


def post(client, body=EVENT, **headers):
    return client.post(EVENTS, body, format="json", headers=headers)


def assert_refused(answer, name):
    document = answer.json()
    assert (answer.status_code, document["code"], document["retryable"]) == (
        429,
        "quota-exceeded",
        True,
    )
    assert (
        document["type"].endswith("/problems/quota-exceeded")
        and answer["Content-Type"] == "application/problem+json"
    )
    assert [error["code"] for error in document["errors"]] == [name]
    assert 1 <= int(answer["Retry-After"]) <= 60


def test_a_key_may_use_half_of_what_its_tenant_may(shop):
    answers = [shop.get(ME) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429]
    assert_refused(answers[-1], "requests")


def test_the_keys_of_a_tenant_share_what_it_may(api, acme):
    keys = [api.of(acme) for _ in range(3)]
    answers = [key.get(ME).status_code for key in keys for _ in range(3)]
    assert answers == [200] * 8 + [429]


def test_another_tenant_is_not_concerned(make, api, shop):
    while shop.get(ME).status_code == 200:
        pass
    assert api.of(make.tenant()).get(ME).status_code == 200


def test_each_answer_tells_the_policy_and_what_is_left(shop):
    first, second = shop.get(ME), shop.get(ME)
    assert first["RateLimit-Policy"] == '"requests";q=4;w=60'
    assert re.fullmatch(r'"requests";r=3;t=[0-9]{1,2}', first["RateLimit"])
    assert re.fullmatch(r'"requests";r=2;t=[0-9]{1,2}', second["RateLimit"])


def test_a_refusal_tells_it_too(shop):
    answers = [shop.get(ME) for _ in range(5)]
    assert '"requests";r=0;' in answers[-1]["RateLimit"]


def test_what_the_scopes_forbid_is_counted(api, acme):
    client = api.of(acme, scopes=["events:read"])
    assert [client.get("/api/v1/connections").status_code for _ in range(5)] == [403] * 4 + [429]


def test_events_are_counted_by_number_and_size_and_not_as_requests(shop):
    answer = post(shop)
    assert answer.status_code == 202
    assert [part.split(";")[0] for part in answer["RateLimit-Policy"].split(", ")] == [
        '"events"',
        '"bytes"',
    ]
    assert set(LimitUsage.objects.values_list("name", flat=True)) == {"events", "bytes"}


def test_a_batch_counts_each_of_its_events_and_is_refused_as_a_whole(shop):
    assert post(shop, [EVENT] * 3).status_code == 202
    assert_refused(post(shop, [EVENT] * 2), "events")
    assert Event.unscoped.count() == 3


def test_a_batch_that_no_limit_would_let_in_uses_nothing_up(shop, settings):
    settings.HUB_BATCH_EVENTS = 3
    assert post(shop, [EVENT] * 4).status_code == 413
    assert post(shop, [EVENT] * 3).status_code == 202


def test_a_repeated_answer_is_counted_as_well(shop):
    answers = [post(shop, [EVENT], **{"Idempotency-Key": "k"}).status_code for _ in range(5)]
    assert answers == [202] * 4 + [429]


def test_bytes_are_counted_before_the_body_is_read(shop):
    assert_refused(post(shop, EVENT | {"data": {"text": "x" * 3000}}), "bytes")
    assert_refused(shop.post(EVENTS, b"{" * 2001, content_type="application/json"), "bytes")


def test_a_platform_key_is_not_counted_for_a_tenant(api, acme):
    platform = api.platform()
    assert all(post(platform, EVENT | {"tenant": "acme"}).status_code == 202 for _ in range(9))
    assert (
        '"events";q=1200000;w=60' in post(platform, EVENT | {"tenant": "acme"})["RateLimit-Policy"]
    )


def test_an_operator_sets_other_defaults_or_none(settings, make, api):
    settings.HUB_LIMITS = {"requests": 2}
    client = api.of(make.tenant())
    assert [client.get(ME).status_code for _ in range(2)] == [200, 429]
    settings.HUB_LIMITS = None
    answer = client.get(ME)
    assert answer.status_code == 200 and "RateLimit" not in answer


def test_an_unknown_key_leaves_no_count(client):
    client.get(ME, headers={"Authorization": "Bearer hub_test_x"})
    assert not LimitUsage.objects.exists()


def test_a_key_reads_its_limits(shop, acme):
    shop.get(ME)
    limits = shop.get(ME).json()["limits"]
    by_name = {limit["name"]: limit for limit in limits["tenant"]}
    assert (
        by_name["requests"]["quota"],
        by_name["requests"]["seconds"],
        by_name["requests"]["used"],
    ) == (8, 60, 2)
    assert by_name["connections"] == {
        "name": "connections",
        "quota": 200,
        "seconds": None,
        "used": None,
    }
    assert {limit["name"]: limit["quota"] for limit in limits["key"]} == {
        "events": 4,
        "bytes": 2000,
        "log_bytes": 64 * 1024 * 1024,
        "requests": 4,
    }
