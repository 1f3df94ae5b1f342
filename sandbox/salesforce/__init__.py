"""Salesforce: the REST API of an org as documented in 2026, its login, and pages of its records."""

from sandbox.oauth.consent import ConsentViews
from sandbox.pages.html import build_url
from sandbox.registration import Environment, RunningSystem, SystemRegistration
from sandbox.salesforce.accounts import BUILT_IN, ORGS
from sandbox.salesforce.pages.record_forms import RecordForms
from sandbox.salesforce.pages.record_pages import Pages
from sandbox.salesforce.pages.setup_pages import SetupPages
from sandbox.salesforce.system import Salesforce
from sandbox.storage.account_store import SystemDefaults


def start(environment: Environment) -> RunningSystem:
    salesforce = Salesforce(
        environment.store,
        environment.state,
        environment.random,
        environment.sender,
        environment.clock,
    )
    consent = ConsentViews(salesforce.consent(), salesforce.codes, environment.gateway)
    pages = (
        consent,
        SetupPages(salesforce),
        RecordForms(salesforce, environment.clock),
        Pages(salesforce),
    )
    return RunningSystem(salesforce, pages, items=salesforce.records, events=salesforce.events)


def order_url(account: str, number: str) -> str:
    return build_url("salesforce", account) + "/"


SYSTEM = SystemRegistration(
    key="salesforce",
    title="Salesforce",
    nav_label="Salesforce",
    about="Orgs with leads, contacts, accounts and more.",
    unit="records",
    defaults=SystemDefaults(ORGS, BUILT_IN, latency=(0.05, 0.2)),
    start=start,
    order_url=order_url,
)
