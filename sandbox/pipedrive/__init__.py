"""Pipedrive: its API v1 and v2 with budgets of tokens, its login, and pages of its records."""

from sandbox.oauth.consent import ConsentViews
from sandbox.pages.html import build_url
from sandbox.pipedrive.accounts import BUILT_IN, COMPANIES
from sandbox.pipedrive.pages import Pages
from sandbox.pipedrive.system import Pipedrive
from sandbox.registration import Environment, RunningSystem, SystemRegistration
from sandbox.storage.account_store import SystemDefaults


def start(environment: Environment) -> RunningSystem:
    pipedrive = Pipedrive(environment.store, environment.state, environment.random)
    consent = ConsentViews(pipedrive.consent(), pipedrive.codes, environment.gateway)
    return RunningSystem(pipedrive, (consent, Pages(pipedrive)), items=pipedrive.records)


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
