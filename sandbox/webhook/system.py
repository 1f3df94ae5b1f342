"""Catch anything; verify it where the world knows the endpoint's secret."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sandbox.storage.account_store import AccountStore
from sandbox.storage.journal import JournaledDict
from sandbox.system import ApiRequest, ApiResponse, System
from sandbox.webhook.accounts import ENDPOINTS
from sandbox.webhook_signatures import signature_error

KEPT = 5_000
UNSHOWN = {"authorization", "cookie"}  # credentials are caught, but not kept


class WebhookCatcher(System):
    key = "webhook"
    addresses = (("/webhook", "/{endpoint:[^/]+}{rest:.*}"),)
    methods = ("POST", "PUT", "PATCH", "DELETE")

    def __init__(self, store: AccountStore, state: Path):
        self.store = store
        self.caught = JournaledDict(state / "webhook-caught.jsonl", keep=KEPT)
        self._number = max(map(int, self.caught), default=0)

    def account(self, call: ApiRequest) -> str:
        return unquote(call.path.split("/")[1])

    def refusal(self, status: int) -> Any:
        return {"error": f"status {status} was asked for"}

    def answer(self, call: ApiRequest) -> ApiResponse:
        name = self.account(call)
        endpoint = self.store[ENDPOINTS].get(name)
        wrong = (
            signature_error(endpoint.secrets, call.headers, call.body, call.at)
            if endpoint and endpoint.secrets
            else None
        )
        self._keep(name, call, wrong)
        if wrong and endpoint and endpoint.strict:
            return ApiResponse(401, {"error": wrong})
        return ApiResponse(200, {"ok": True})

    def close(self) -> None:
        self.caught.close()

    def _keep(self, name: str, call: ApiRequest, wrong: str | None) -> None:
        """`trouble` is None without a secret to verify with, and empty for a good signature."""
        headers = [
            [key, "***" if key.lower() in UNSHOWN else value] for key, value in call.headers.items()
        ]
        self._number += 1
        self.caught[str(self._number)] = {
            "number": self._number,
            "endpoint": name,
            "at": call.at,
            "method": call.method,
            "path": call.url,
            "headers": headers,
            "body": call.text,
            "trouble": wrong,
        }
