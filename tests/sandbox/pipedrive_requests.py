"""Calling the simulated Pipedrive."""

import requests

from tests.sandbox.oauth_requests import BACK

ACME, GLOBEX = "v1u:acme-1", "v1u:globex-1"
AUTHORIZE = "/pipedrive/oauth/authorize"
ASKED = {"client_id": "hub.pipedrive", "redirect_uri": BACK, "state": "s1"}
APP = ("hub.pipedrive", "pipedrive-secret")
KEY = "dcf558aac1ae4e8c4f849ba5e668430d8df9be12"
HOUR, DAY = 3600, 24 * 3600
BLOCK = 300


def call(desk, method, path, token=ACME, **more):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.request(method, f"{desk.url}/api/{path}", headers=headers, timeout=5, **more)


def create(desk, path, **body):
    return call(desk, "POST", path, json=body)


def create_record(desk, path, **body):
    answer = create(desk, path, **body)
    assert answer.json()["success"] is True, answer.text
    return answer.json()["data"]


def summarize_error(answer):
    return answer.status_code, answer.json()["error"]


def request_token(desk, client=APP, **form):
    return desk.post("/pipedrive/oauth/token", data=form, auth=client)


def refresh(desk, refresh_token="701:acme-1"):
    return request_token(desk, grant_type="refresh_token", refresh_token=refresh_token)


def redeem(desk, code, **form):
    return request_token(
        desk, grant_type="authorization_code", code=code, **{"redirect_uri": BACK} | form
    )


def read_remaining_budget(answer):
    return int(answer.headers["x-daily-ratelimit-token-remaining"])
