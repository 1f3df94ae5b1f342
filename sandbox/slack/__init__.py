"""Slack: the Web API as documented in 2026, and a page that looks like a channel."""

from sandbox.oauth.consent import ConsentViews
from sandbox.pages.html import build_url
from sandbox.registration import Environment, RunningSystem, SystemRegistration
from sandbox.slack.accounts import BUILT_IN, TEAMS
from sandbox.slack.apps.configuration import APPS
from sandbox.slack.apps.configuration import BUILT_IN as BUILT_IN_APPS
from sandbox.slack.pages.app_pages import AppPages
from sandbox.slack.pages.channel_pages import Pages
from sandbox.slack.pages.typed_messages import TypedMessages
from sandbox.slack.system import Slack
from sandbox.storage.account_store import SystemDefaults


def start(environment: Environment) -> RunningSystem:
    slack = Slack(environment.store, environment.state, environment.random, environment.sender)
    environment.store.subscribe(slack.verify_request_urls)
    consent = ConsentViews(slack.consent(), slack.codes, environment.gateway)
    pages = (consent, AppPages(slack), TypedMessages(slack, environment.clock), Pages(slack))
    return RunningSystem(slack, pages, items=slack.rooms, events=slack.events)


def order_url(account: str, number: str) -> str:
    return build_url("slack", account) + "/"


SYSTEM = SystemRegistration(
    key="slack",
    title="Slack",
    nav_label="Slack",
    about="Workspaces, their channels, and the messages of the app.",
    unit="messages",
    defaults=SystemDefaults(TEAMS, BUILT_IN, latency=(0.03, 0.12), more=((APPS, BUILT_IN_APPS),)),
    start=start,
    order_url=order_url,
)
