"""Splunk: the HTTP Event Collector as documented and measured on 10.4, and a search page."""

from sandbox.pages.html import build_url
from sandbox.registration import Environment, RunningSystem, SystemRegistration
from sandbox.splunk.accounts import BUILT_IN, HEC_TOKENS, SAVED_SEARCHES
from sandbox.splunk.alert_pages import AlertPages
from sandbox.splunk.alerts import SplunkAlerts
from sandbox.splunk.pages import Pages
from sandbox.splunk.system import Splunk
from sandbox.storage.account_store import SystemDefaults


def start(environment: Environment) -> RunningSystem:
    splunk = Splunk(environment.store, environment.state)
    alerts = SplunkAlerts(environment.store, splunk.events, splunk.fired_alerts, environment.random)
    alert_pages = AlertPages(environment.store, alerts, environment.sender, environment.clock)
    pages = (alert_pages, Pages(splunk))
    return RunningSystem(splunk, pages, items=splunk.events, events=alerts)


def order_url(account: str, number: str) -> str:
    return build_url("splunk", account, "search", q=number)


SYSTEM = SystemRegistration(
    key="splunk",
    title="Splunk",
    nav_label="Splunk",
    about="The HTTP Event Collector, and a search over it.",
    unit="events",
    defaults=SystemDefaults(
        HEC_TOKENS, BUILT_IN, latency=(0.005, 0.03), more=((SAVED_SEARCHES, []),)
    ),
    start=start,
    order_url=order_url,
)
