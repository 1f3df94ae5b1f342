"""Pipedrive: its API v1 and v2 with budgets of tokens, its login, and pages of its records."""

from sandbox.oauth.consent import ConsentViews
from sandbox.pages.html import build_url
from sandbox.pipedrive.accounts import BUILT_IN, COMPANIES
from sandbox.pipedrive.pages.record_forms import RecordForms
from sandbox.pipedrive.pages.record_pages import Pages
from sandbox.pipedrive.pages.webhook_pages import WebhookPages
from sandbox.pipedrive.system import Pipedrive
from sandbox.registration import Environment, RunningSystem, SystemRegistration
from sandbox.storage.account_store import SystemDefaults


def start(environment: Environment) -> RunningSystem:
    pipedrive = Pipedrive(
        environment.store, environment.state, environment.random, environment.sender
    )
    consent = ConsentViews(pipedrive.consent(), pipedrive.codes, environment.gateway)
    pages = (
        consent,
        WebhookPages(pipedrive, environment.clock),
        RecordForms(pipedrive, environment.clock),
        Pages(pipedrive),
    )
    return RunningSystem(pipedrive, pages, items=pipedrive.records, events=pipedrive.events)


def order_url(account: str, number: str) -> str:
    return build_url("pipedrive", account) + "/"


SYSTEM = SystemRegistration(
    key="pipedrive",
    title="Pipedrive",
    nav_label="Pipedrive",
    about="Companies with persons, deals, leads, activities and notes.",
    unit="records",
    defaults=SystemDefaults(COMPANIES, BUILT_IN, latency=(0.05, 0.2)),
    start=start,
    order_url=order_url,
)
