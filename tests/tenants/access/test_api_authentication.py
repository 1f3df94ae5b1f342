"""An API key in, a tenant and scopes out."""

import hashlib
import os
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from rest_framework.test import APIClient

from hub.db.clock import clock
from tenants import api_key_format
from tenants.access.api_authentication import find_keys
from tenants.models import ApiKey

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.tenants.urls")]

ME = "/api/v1/me"


def test_without_a_key_one_is_asked_for():
    response = APIClient().get(ME)
    assert (response.status_code, response.json()["code"]) == (401, "authentication-required")
    assert response["WWW-Authenticate"] == 'Bearer realm="hub"'


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic dTpw",
        "hub_test_x",
        "Bearer {}x",
        "Bearer {}, Bearer {}",
        "Token {}",
    ],
)
def test_a_header_that_holds_no_key_is_malformed(issue, header):
    _, text = issue()
    response = APIClient().get(ME, headers={"Authorization": header.format(text, text)})
    assert (response.status_code, response.json()["code"]) == (401, "malformed-key")


def test_a_wrong_secret_is_answered_like_an_unknown_key(issue, api):
    row, _ = issue()
    stranger = api_key_format.generate_api_key("test", random=os.urandom)
    body = f"hub_test_{row.prefix}_{'x' * 33}"
    forged = body + api_key_format.compute_checksum(body)
    first, second = (api(text).get(ME).json() for text in (stranger, forged))
    assert first["code"] == "unknown-key"
    assert first | {"request_id": ""} == second | {"request_id": ""}


def test_an_expired_key_is_refused_as_such(issue, api):
    _, text = issue(expires_at=clock() - timedelta(seconds=1))
    assert api(text).get(ME).json()["code"] == "expired-key"


def test_a_revoked_key_is_refused_as_such(issue, api):
    row, text = issue()
    row.revoke(now=clock())
    assert api(text).get(ME).json()["code"] == "revoked-key"


def test_a_key_of_another_environment_is_refused_as_such(issue, api, settings):
    _, text = issue()
    settings.HUB_ENVIRONMENT = "live"
    assert api(text).get(ME).json()["code"] == "wrong-environment"


def test_two_keys_work_side_by_side_while_rotating(issue, api, acme):
    texts = [issue(acme)[1] for _ in range(2)]
    assert [api(text).get(ME).status_code for text in texts] == [200, 200]


def test_keys_that_are_looked_up_together_are_each_requests_own(issue, acme):
    one, other = issue(acme)[0], issue()[0]
    first, nobody, second, again = find_keys([one.prefix, "nobody00", other.prefix, one.prefix])
    assert (first, nobody, second, again) == (one, None, other, one)
    assert (first.tenant, second.tenant) == (acme, None)
    assert first is not again and first.tenant is not again.tenant


def test_only_the_hash_of_a_key_is_kept(issue):
    row, text = issue()
    kept = str(ApiKey.unscoped.values().get(pk=row.pk))
    assert hashlib.sha256(text.encode()).hexdigest() in kept
    assert text[18:] not in kept


def test_no_answer_tells_the_key(issue, api):
    _, text = issue()
    answers = [api(text).get(ME), api(text[:-1]).get(ME), api(text).get("/api/v1/tenants/nobody")]
    assert all(
        text[18:40] not in str(answer.headers) + answer.content.decode() for answer in answers
    )


def test_one_query_finds_key_and_tenant(issue, api, acme, django_assert_num_queries):
    row, text = issue(acme)
    row.record_use(now=clock())
    api(text).get(ME)  # this process is granted its part of the limit
    with django_assert_num_queries(
        3
    ):  # and the answer reads what the tenant and the key have used of theirs
        assert api(text).get(ME).json()["tenant"]["reference"] == "acme"


def test_the_use_is_noted_at_most_once_a_minute(issue, api):
    row, text = issue()
    api(text).get(ME)
    row.refresh_from_db()
    first = row.last_used_at
    api(text).get(ME)
    row.refresh_from_db()
    assert row.last_used_at == first is not None
    row.record_use(now=first + timedelta(minutes=1))
    row.refresh_from_db()
    assert row.last_used_at == first + timedelta(minutes=1)


def test_a_key_revoked_twice_keeps_the_first_moment(issue):
    row, _ = issue()
    row.revoke(now=clock())
    first = row.revoked_at
    row.revoke(now=first + timedelta(days=1))
    assert row.revoked_at == first


def test_a_scope_that_is_missing_is_named(issue, api, acme):
    _, text = issue(acme, scopes=["events:write"])
    answer = api(text).get("/api/v1/tenants/acme").json()
    assert answer["code"] == "scope-missing"
    assert "tenants:read" in answer["detail"]


def test_a_tenants_key_is_not_issued_with_what_is_the_platforms(issue, acme):
    with pytest.raises(ValidationError, match="Only a platform key may have tenants:write"):
        issue(acme, scopes=["tenants:write"])


def test_a_scope_smuggled_into_the_row_gives_nothing(issue, api, acme):
    row, text = issue(acme)
    ApiKey.unscoped.filter(pk=row.pk).update(scopes=["tenants:write", "*", "tenants"])
    answer = api(text).put("/api/v1/tenants/acme", {"name": "Mine"}, format="json")
    assert answer.json()["code"] == "scope-missing"


def test_an_unknown_scope_is_refused(issue):
    with pytest.raises(ValidationError, match="There is no scope events:everything"):
        issue(scopes=["events:everything"])


def test_a_view_that_states_no_scopes_is_closed(issue, api):
    _, text = issue()
    assert api(text).get("/api/silent").status_code == 403


def test_a_method_without_a_scope_is_closed(issue, api):
    _, text = issue()
    for method in ("delete", "post", "options"):
        answer = getattr(api(text), method)(ME)
        assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")
        assert answer["Allow"] == "GET, HEAD"


def test_a_wrong_method_tells_the_methods_whatever_the_scopes(issue, api):
    _, text = issue(scopes=["events:read"])
    answer = api(text).delete("/api/v1/tenants/acme")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, PUT, HEAD")
    assert APIClient().delete(ME).status_code == 401


def test_an_answer_names_the_methods_too(issue, api):
    assert api(issue()[1]).get(ME)["Allow"] == "GET, HEAD"


def test_a_suspended_tenants_key_still_works(issue, api, acme):
    _, text = issue(acme)
    acme.suspend("unpaid", now=clock())
    assert api(text).get(ME).status_code == 200
