"""The simulated org itself: objects, budget, sessions and tokens."""

import base64
import hashlib
import hmac

import pytest
from simple_salesforce.exceptions import SalesforceExpiredSession, SalesforceRefusedRequest

from tests.sandbox.salesforce_requests import LEAD, ORG, TOKEN, error, raw

APP = {"client_id": "hub.salesforce", "client_secret": "salesforce-secret"}


def token(desk, **form):
    return desk.post("/salesforce/login/services/oauth2/token", data={**APP, **form})


def refresh(desk, refresh_token="5Aep-acme"):
    return token(desk, grant_type="refresh_token", refresh_token=refresh_token)


def test_an_object_describes_itself_with_the_worlds_fields(desk, org):
    desk.world(
        salesforce=[
            {"org": ORG, "fields": {"Lead": [{"name": "Tier__c", "length": 5}], "Parcel__c": []}}
        ]
    )
    fields = {field["name"]: field for field in org.Lead.describe()["fields"]}
    assert (fields["Tier__c"]["length"], fields["Company"]["nillable"]) == (5, False)
    assert fields["External_Id__c"]["externalId"]
    assert org.Parcel__c.create({"Name": "one"})["success"]


def test_the_whole_org_has_one_budget(desk, org):
    desk.world(salesforce=[{"org": ORG, "daily_limit": 2}])
    assert org.limits()["DailyApiRequests"] == {"Max": 2, "Remaining": 1}
    org.query("SELECT Id FROM Lead")
    with pytest.raises(SalesforceRefusedRequest) as caught:
        org.limits()
    assert caught.value.content[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    desk.now += 24 * 3600
    desk.world(salesforce=[{"org": ORG, "session_timeout": 10**6}])
    org.limits()


def test_a_session_ends_without_notice_and_a_refresh_starts_another(desk, org):
    desk.now += 7200
    with pytest.raises(SalesforceExpiredSession):
        org.limits()
    fresh = refresh(desk).json()
    assert "refresh_token" not in fresh and "expires_in" not in fresh
    assert fresh["instance_url"] == f"{desk.url}/salesforce/{ORG}"
    signed = hmac.digest(
        b"salesforce-secret", (fresh["id"] + fresh["issued_at"]).encode(), hashlib.sha256
    )
    assert fresh["signature"] == base64.b64encode(signed).decode()
    userinfo = f"/salesforce/{ORG}/services/oauth2/userinfo"
    document = desk.get(
        userinfo, headers={"Authorization": f"Bearer {fresh['access_token']}"}
    ).json()
    assert document["organization_id"] == ORG


def test_a_rotated_refresh_token_ends_the_old_one_at_once(desk):
    renewed = refresh(desk, "5Aep-globex").json()["refresh_token"]
    old = refresh(desk, "5Aep-globex")
    assert (old.status_code, old.json()) == (
        400,
        {"error": "invalid_grant", "error_description": "expired access/refresh token"},
    )
    assert refresh(desk, renewed).status_code == 200


def test_a_wrong_client_is_refused(desk):
    answer = token(
        desk, client_secret="guess", grant_type="refresh_token", refresh_token="5Aep-acme"
    )
    assert answer.json()["error"] == "invalid_client"


def test_a_revoked_refresh_token_takes_its_sessions_along(desk):
    assert (
        desk.post(
            "/salesforce/login/services/oauth2/revoke", data={"token": "5Aep-acme"}
        ).status_code
        == 200
    )
    assert error(raw(desk, "GET", "/limits")) == (401, "INVALID_SESSION_ID")
    assert refresh(desk).json()["error"] == "invalid_grant"


def test_an_org_takes_no_session_of_another(desk):
    answer = raw(desk, "GET", "/limits", headers={"Authorization": "Bearer 00D000000000002!globex"})
    assert error(answer) == (401, "INVALID_SESSION_ID")


def test_the_versions_need_no_token_and_the_origin_alone_is_enough(desk):
    assert desk.get(f"/salesforce/{ORG}/services/data/").json()[-1]["version"] == "67.0"
    answer = desk.get("/services/data/v67.0/limits", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, desk.ledger()[-1]["account"]) == (200, ORG)


def test_people_see_records(desk, org):
    record = org.Lead.create(LEAD | {"Company": "<b>Acme</b>"})
    page = desk.get(f"/salesforce/{ORG}/lightning/o/Lead/list").text
    assert "Ada Lovelace" in page and "&lt;b&gt;Acme" in page
    assert "Lovelace" in desk.get(f"/salesforce/{ORG}/lightning/r/Lead/{record['id']}/view").text
