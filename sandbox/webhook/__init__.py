"""The webhook catcher: takes every request, and verifies its signature."""

from sandbox.pages.html import build_url
from sandbox.registration import Environment, RunningSystem, SystemRegistration
from sandbox.storage.account_store import SystemDefaults
from sandbox.webhook.accounts import BUILT_IN, ENDPOINTS
from sandbox.webhook.pages import Pages
from sandbox.webhook.system import WebhookCatcher


def start(environment: Environment) -> RunningSystem:
    catcher = WebhookCatcher(environment.store, environment.state)
    return RunningSystem(catcher, (Pages(catcher),), items=catcher.caught)


def order_url(account: str, number: str) -> str:
    return build_url("webhook", account)


SYSTEM = SystemRegistration(
    key="webhook",
    title="Webhook catcher",
    nav_label="Webhooks",
    about="Takes every request, and verifies the signature.",
    unit="requests",
    defaults=SystemDefaults(ENDPOINTS, BUILT_IN, latency=(0, 0)),
    start=start,
    order_url=order_url,
)
