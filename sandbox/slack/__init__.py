"""Slack: the Web API as documented in 2026, and a page that looks like a channel."""

from sandbox.oauth.consent import ConsentViews
from sandbox.pages.html import build_url
from sandbox.registration import Environment, RunningSystem, SystemRegistration
from sandbox.slack.accounts import BUILT_IN, TEAMS
from sandbox.slack.pages import Pages
from sandbox.slack.system import Slack
from sandbox.storage.account_store import SystemDefaults


def start(environment: Environment) -> RunningSystem:
    slack = Slack(environment.store, environment.state, environment.random)
    consent = ConsentViews(slack.consent(), slack.codes, environment.gateway)
    return RunningSystem(slack, (consent, Pages(slack)), items=slack.rooms)


def order_url(account: str, number: str) -> str:
    return build_url("slack", account) + "/"


SYSTEM = SystemRegistration(
    key="slack",
    title="Slack",
    nav_label="Slack",
    about="Workspaces, their channels, and the messages of the app.",
    unit="messages",
    defaults=SystemDefaults(TEAMS, BUILT_IN, latency=(0.03, 0.12)),
    start=start,
    order_url=order_url,
)
