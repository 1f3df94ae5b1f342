"""What scenarios share that use the hub's API: calls with the platform's key, and waiting."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from hub.management.demo.demo_rows import DemoSummary
from hub.management.demo.incoming_scenarios import Poll, ScenarioFailed
from hub.management.demo.installation_client import InstallationClient

Row = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ApiScenarios:
    installation: InstallationClient
    demo: DemoSummary
    poll: Poll

    def find_rows(self, path: str) -> list[Row]:
        rows: list[Row] = self.call_hub("GET", path)["items"]
        return rows

    def call_hub(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API with the platform's key. Raises ScenarioFailed for an error."""
        url = f"{self.installation.hub}/api/v1{path}"
        response = self.installation.send_request(
            method, url, json=body, bearer=self.demo["platform_key"]
        )
        if response.status >= 300:
            raise ScenarioFailed(f"{method} {path}: {response.status} {response.text()[:300]}")
        return response.json()

    def wait_for(self, awaited: str, find: Callable[[], T | None]) -> T:
        """Call `find` until it returns a result. Raises ScenarioFailed after the wait limit."""
        for _attempt in self.poll(awaited):
            if found := find():
                return found
        raise ScenarioFailed(f"Waited in vain for {awaited}.")
