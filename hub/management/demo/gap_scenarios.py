"""The demo's scenario of a gap: a webhook is deleted at its system, and what was missed arrives.

The evidence comes from the sandbox's systems and from the hub's API.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import uuid4

from hub.incoming.models import WebhookSubscription
from hub.management.demo.api_scenarios import ApiScenarios, Row
from hub.management.demo.data import CUSTOMERS, Customer
from hub.management.demo.incoming_scenarios import ScenarioFailed, ScenarioResult

SIGN_UPS = 3


@dataclass(frozen=True, slots=True)
class GapScenarios(ApiScenarios):
    def run(self) -> Iterator[ScenarioResult]:
        """Yield the finished scenario. Raises ScenarioFailed and InstallationNotRunning."""
        yield self.miss_sign_ups(CUSTOMERS[0])

    def miss_sign_ups(self, customer: Customer) -> ScenarioResult:
        """Delete the webhook of sign-ups at Pipedrive, and let people sign up meanwhile.

        The hub notices it by a check, registers a webhook again and reads the gap; each of them is
        a lead in Salesforce once.
        """
        subscription = self.find_subscription(customer)
        former = {gap["id"] for gap in self.find_closed_gaps(subscription)}
        self.delete_webhook(customer, subscription)
        names = [f"Sign-up {uuid4()}" for _ in range(SIGN_UPS)]
        for name in names:
            self.submit_form(customer, "persons/", name=name, email=f"{uuid4()}@example.org")
        self.wait_for("a check of the webhook", lambda: self.request_check(subscription))
        self.wait_for("a new webhook", lambda: self.is_registered_again(subscription))
        (gap, *_others) = self.wait_for(
            "the missed sign-ups",
            lambda: [gap for gap in self.find_closed_gaps(subscription) if gap["id"] not in former],
        )
        self.wait_for("their leads", lambda: set(names) <= set(self.list_leads(customer)))
        leads = [name for name in self.list_leads(customer) if name in names]
        if len(leads) != SIGN_UPS:
            raise ScenarioFailed(f"{SIGN_UPS} people signed up, and there are {len(leads)} leads.")
        return ScenarioResult(
            "fetched",
            "A deleted webhook: what it missed is fetched",
            f"{customer.name}: webhook deleted at Pipedrive, noticed, registered again, "
            f"{len(leads)} missed sign-ups fetched",
            {"tenant": customer.reference, "gap": gap["id"], "counts": gap["counts"]},
        )

    # --- at Pipedrive and Salesforce ---

    def delete_webhook(self, customer: Customer, subscription: WebhookSubscription) -> None:
        """Delete the webhook as an admin of the company does."""
        self.submit_form(customer, f"webhooks/{subscription.external_id}", do="delete")

    def submit_form(self, customer: Customer, path: str, **data: str) -> None:
        """Submit a form of the company's pages. Raises ScenarioFailed if it is not taken."""
        url = f"{self.installation.sandbox}/pipedrive/{customer.company}/{path}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(data).encode()
        answer = self.installation.send_request("POST", url, body=body, headers=headers)
        if answer.status != 303:
            raise ScenarioFailed(f"POST {url}: {answer.status} {answer.text()[:300]}")

    def list_leads(self, customer: Customer) -> list[str]:
        """Return the last name of each lead in Salesforce."""
        leads = self.installation.read_records("salesforce", customer.org, "Lead")
        return [str(lead.get("LastName")) for lead in leads]

    # --- in the hub ---

    def find_subscription(self, customer: Customer) -> WebhookSubscription:
        """Return the registered webhook of sign-ups. Raises ScenarioFailed."""
        for _attempt in self.poll("the webhook of sign-ups"):
            rows = WebhookSubscription.unscoped.select_related("endpoint__connection").filter(
                tenant__reference=customer.reference,
                endpoint__connector_key="pipedrive",
                state="verified",
            )
            if found := [row for row in rows if "person.created" in row.event_types]:
                return found[0]
        raise ScenarioFailed("The webhook of sign-ups is not registered at Pipedrive.")

    def find_closed_gaps(self, subscription: WebhookSubscription) -> list[Row]:
        connection = subscription.endpoint.connection
        assert connection is not None
        gaps = self.find_rows(f"/gaps?connection={connection.public_id}&state=closed")
        return [gap for gap in gaps if gap["object"] == "person"]

    def request_check(self, subscription: WebhookSubscription) -> bool:
        """Let the hub check its webhooks now; return False while a check has just run."""
        path = f"webhook-subscriptions/{subscription.public_id}/check"
        url, key = f"{self.installation.hub}/api/v1/{path}", self.demo["platform_key"]
        return self.installation.send_request("POST", url, bearer=key).status < 300

    def is_registered_again(self, subscription: WebhookSubscription) -> bool:
        rows = WebhookSubscription.unscoped.filter(pk=subscription.pk, state="verified")
        return rows.exclude(external_id=subscription.external_id).exists()
