"""Requests to the simulated org."""

import requests
from requests.adapters import HTTPAdapter

ORG, TOKEN = "00D000000000001EAA", "00D000000000001!acme"
OPPORTUNITY = {"Name": "A-1001", "StageName": "Closed Won", "CloseDate": "2026-12-01"}
LEAD = {"LastName": "Lovelace", "FirstName": "Ada", "Company": "Acme"}


class WithoutTls(HTTPAdapter):
    """The client knows https only; the desk has no certificate."""

    def send(self, request, **more):
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **more)


def raw(desk, method, path, **more):
    headers = {"Authorization": f"Bearer {TOKEN}", **more.pop("headers", {})}
    url = f"{desk.url}/salesforce/{ORG}/services/data/v67.0{path}"
    return requests.request(method, url, headers=headers, timeout=5, **more)


def error(answer):
    (only,) = answer.json()
    return answer.status_code, only["errorCode"]
