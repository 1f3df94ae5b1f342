"""The demo's scheduled scenarios: reconcile orders, report sales, ship logs.

The evidence of each comes from the sandbox's systems, not from the hub's own rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from hub.management.demo.api_scenarios import ApiScenarios, Row
from hub.management.demo.data import CUSTOMERS, ORDER_FIELD, Customer
from hub.management.demo.incoming_scenarios import ScenarioFailed, ScenarioResult
from hub.management.demo.scheduled_jobs import LOG_SHIPPING, RECONCILIATION, WEEKLY_SALES

LOG_LINES = 40
WRONG_STATE = 409  # the status
SALES = ("120.50", "79.50")  # of two orders in the last week


@dataclass(frozen=True, slots=True)
class ScheduledScenarios(ApiScenarios):
    now: datetime

    def run(self) -> Iterator[ScenarioResult]:
        """Yield each finished scenario. Raises ScenarioFailed and InstallationNotRunning."""
        customer = CUSTOMERS[0]
        yield self.reconcile_orders(customer)
        yield self.report_sales(customer)
        yield self.ship_logs(customer)

    def reconcile_orders(self, customer: Customer) -> ScenarioResult:
        """Cancel an order in our application; the run finds it, and a repair updates Salesforce."""
        number = self.cancel_order(customer)
        run = self.run_job(RECONCILIATION, customer)
        (found,) = self.find_rows(
            f"/discrepancies?run={run['id']}&record_key={number}&field=status"
        )
        self.call_hub("POST", f"/discrepancies/{found['id']}/repair")
        stage = self.wait_for(
            f"order {number} in Salesforce", lambda: self.read_stage(customer, number)
        )
        again = self.run_job(RECONCILIATION, customer)
        left = self.find_rows(f"/discrepancies?run={again['id']}&record_key={number}&state=new")
        if left:
            raise ScenarioFailed(f"Order {number} differs again after its repair: {left[0]}")
        return ScenarioResult(
            "repaired",
            "Every night: orders reconciled with Salesforce",
            f"{customer.name}: order {number} was cancelled here only; the run found it, and "
            f"Salesforce has {stage} now",
            {"tenant": customer.reference, "run": run["id"], "discrepancy": found["id"]},
        )

    def cancel_order(self, customer: Customer) -> str:
        """Cancel the customer's last order that is in Salesforce and in the shop; return its
        number. An order that a program sent to the hub is not in the shop.
        """
        name = str(ORDER_FIELD["name"])
        numbers = [record.get(name) or "" for record in self.read_opportunities(customer)]
        for number in sorted(numbers, reverse=True):
            url = f"{self.installation.sandbox}/app/api/orders/{number}?tenant={customer.reference}"
            if self.installation.change_record(url, {"state": "cancelled"}).status < 300:
                return str(number)
        raise ScenarioFailed(f"No order of {customer.name} is in Salesforce and in the shop")

    def read_stage(self, customer: Customer, number: str) -> str:
        """Return the stage of an order's opportunity once it is lost; "" before."""
        name = str(ORDER_FIELD["name"])
        for record in self.read_opportunities(customer):
            if record.get(name) == number and record["StageName"] == "Closed Lost":
                return str(record["StageName"])
        return ""

    def read_opportunities(self, customer: Customer) -> Sequence[Row]:
        return self.installation.read_records("salesforce", customer.org, "Opportunity")

    def report_sales(self, customer: Customer) -> ScenarioResult:
        """Create two orders of the last week; the report in Slack contains that week's sum."""
        last_week = self.now - timedelta(days=7)
        orders = [{"TotalAmount": amount, "CreatedDate": last_week.isoformat()} for amount in SALES]
        self.installation.plant_records("salesforce", customer.org, "Order", orders)
        since = self.installation.read_ledger_position()
        run = self.run_job(WEEKLY_SALES, customer)
        shown = run["result"]["totals"][1]
        expected = self.sum_orders(customer, run["result"]["period"])
        if Decimal(shown.replace(",", "")) != expected:
            raise ScenarioFailed(f"The report says {shown}, and Salesforce has {expected}.")
        message = self.wait_for(
            "the sales in Slack",
            lambda: self.find_call(since, "slack", customer.team, "chat.postMessage", shown),
        )
        return ScenarioResult(
            "reported",
            "Every Monday: sales in Slack",
            f"{customer.name}: last week's sales of {shown} are in Slack",
            {"tenant": customer.reference, "run": run["id"], "ledger": message["seq"]},
        )

    def sum_orders(self, customer: Customer, period: Mapping[str, str]) -> Decimal:
        """Return the sum of the orders that Salesforce has for this period."""
        begin, end = (datetime.fromisoformat(period[name]) for name in ("from", "until"))
        return sum(
            (
                Decimal(str(record["TotalAmount"]))
                for record in self.installation.read_records("salesforce", customer.org, "Order")
                if record.get("TotalAmount") is not None
                and begin <= datetime.fromisoformat(record["CreatedDate"]) < end
            ),
            Decimal(),
        )

    def ship_logs(self, customer: Customer) -> ScenarioResult:
        """Send log lines to the hub, and wait until all of them are in Splunk."""
        mark = f"demo-{uuid4()}"
        since = self.installation.read_ledger_position()
        self.installation.send_log_lines(
            [{"level": "info", "message": f"{mark} line {n}"} for n in range(LOG_LINES)],
            key=self.key_of(customer),
            idempotency_key=mark,
        )
        run = self.run_job(LOG_SHIPPING, customer)
        batch = self.wait_for(
            "the log lines in Splunk",
            lambda: self.find_call(since, "splunk", customer.reference, "collector", mark),
        )
        count = str(batch["body"]).count(mark)
        if count != LOG_LINES:
            raise ScenarioFailed(f"Splunk has {count} of {LOG_LINES} log lines.")
        return ScenarioResult(
            "shipped",
            "Operational logs in Splunk",
            f"{customer.name}: {count} log lines are in Splunk",
            {"tenant": customer.reference, "run": run["id"], "ledger": batch["seq"]},
        )

    # --- the hub's API ---

    def run_job(self, name: str, customer: Customer) -> Row:
        """Start the job of all tenants for one customer, and wait until the run has finished."""
        jobs = [row for row in self.find_rows("/jobs") if not row["tenant"]]
        (job,) = [row for row in jobs if row["name"] == name]
        run = self.wait_for(f"the start of {name}", lambda: self.start_run(job, customer))
        ended = self.wait_for(f"the run of {name}", lambda: self.read_ended_run(run["id"]))
        if ended["state"] != "finished":
            raise ScenarioFailed(f"The run of {name} ended as {ended['state']}: {ended}")
        return ended

    def start_run(self, job: Row, customer: Customer) -> Row | None:
        """Start a run; None while another one waits, such as that of lines that have arrived."""
        url = f"{self.installation.hub}/api/v1/jobs/{job['id']}/runs"
        body, key = {"tenant": customer.reference}, self.demo["platform_key"]
        answer = self.installation.send_request("POST", url, json=body, bearer=key)
        if answer.status >= 300 and answer.status != WRONG_STATE:
            raise ScenarioFailed(f"POST {url}: {answer.status} {answer.text()[:300]}")
        run: Row = answer.json()
        return run if answer.status < 300 else None

    def read_ended_run(self, id: str) -> Row | None:
        run = self.call_hub("GET", f"/runs/{id}")
        return None if run["state"] in ("waiting", "running") else run

    def key_of(self, customer: Customer) -> str:
        return next(
            str(entry["key"])
            for entry in self.demo["tenants"]
            if entry["reference"] == customer.reference
        )

    def find_call(self, since: int, system: str, account: str, path: str, text: str) -> Row | None:
        """Return the first accepted call since then at this path whose body contains the text."""
        for entry in self.installation.read_ledger(since):
            is_there = (entry["system"], entry["account"]) == (system, account)
            is_call = entry["status"] < 300 and path in entry["path"]
            if is_there and is_call and text in entry["body"]:
                return entry
        return None
