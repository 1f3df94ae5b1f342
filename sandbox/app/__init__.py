"""The order application: a small shop of our own, whose orders are what the hub carries."""

from functools import partial

from sandbox.app.accounts import APP, BUILT_IN
from sandbox.app.pages import Pages
from sandbox.app.request_pages import RequestPages
from sandbox.app.system import OrderApp
from sandbox.registration import Environment, RunningSystem, SystemRegistration
from sandbox.storage.account_store import SystemDefaults


def start(environment: Environment) -> RunningSystem:
    shop = OrderApp(environment.store, environment.state, partial(environment.send, "POST"))
    pages = Pages(shop, environment.clock, environment.systems)
    request_pages = RequestPages(shop, environment.clock)
    return RunningSystem(shop, (pages, request_pages), items=shop.book)


SYSTEM = SystemRegistration(
    key="app",
    title="Orders",
    nav_label="Orders",
    about="A small shop of our own, where you place orders.",
    unit="orders",
    defaults=SystemDefaults(APP, BUILT_IN, latency=(0, 0)),
    start=start,
)
