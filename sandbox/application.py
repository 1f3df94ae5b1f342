"""The sandbox as one web application: every registered system, the mailbox, and the control."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import web

from sandbox.clock import Clock
from sandbox.control.account_controls import AccountControls
from sandbox.control.control_api import Control
from sandbox.control.restarts import RestartControl
from sandbox.control.schema_control import SchemaControl
from sandbox.control.seeding import SeedingControl
from sandbox.faults import Faults
from sandbox.gateway import Gateway
from sandbox.mail.mailbox import Mailbox
from sandbox.mail.pages import Pages as MailPages
from sandbox.mail.smtp_server import SmtpServer
from sandbox.pages.home import Home, HomeCard
from sandbox.pages.html import NAVIGATION
from sandbox.registration import Environment, RunningSystem, SystemRegistration
from sandbox.registry import find_systems
from sandbox.sending.http_client import Deliver
from sandbox.sending.sender import Sender
from sandbox.sending.sending_control import SendingControl
from sandbox.storage.account_store import AccountStore
from sandbox.storage.ledger import Ledger
from sandbox.system import Send, System

MAX_REQUEST_BYTES = 64 * 1024 * 1024
SMTP_SERVER = web.AppKey(
    "smtp_server", SmtpServer
)  # listens when the runner of the application says so
MAIL_ABOUT = "All e-mails that the hub sent; none are delivered."


def create_app(
    *, state: Path, world: Path, clock: Clock, random: Random, send: Send, deliver: Deliver
) -> web.Application:
    """Return the application. `state` is the folder of what it stores, `world` the accounts file.

    `send` calls the hub's API, `deliver` posts webhooks.
    """
    systems = find_systems()
    store = AccountStore(world, {system.key: system.defaults for system in systems})
    gateway = Gateway(store, Ledger(state / "ledger.jsonl"), Faults(), clock, random)
    sender = Sender(store, state, clock, deliver)
    environment = Environment(store, gateway, state, clock, random, send, sender, systems)
    app = web.Application(client_max_size=MAX_REQUEST_BYTES)
    app[NAVIGATION] = navigation(systems)
    running = {system: system.start(environment) for system in systems}
    apis = [started.api for started in running.values()]
    mailbox = Mailbox(state)
    keys = {*(system.key for system in systems), "mail"}
    control = Control(gateway, AccountControls(gateway, apis), mailbox, keys, send)
    sources = [started.events for started in running.values() if started.events]
    sending = SendingControl(sender, sources, clock)
    seeding = SeedingControl(apis, clock)
    restarts = RestartControl(apis, clock)
    schemas = SchemaControl(apis, clock)
    own_pages = (page for started in running.values() for page in started.pages)
    for pages in (*own_pages, MailPages(mailbox), control, sending, seeding, restarts, schemas):
        app.router.add_routes(pages.routes())
    for api in apis:  # after the pages, which are the more special routes
        add_system(app, gateway, api)
    app.router.add_get("/", Home(gateway, home_cards(running, mailbox)).show)
    app.router.add_static("/static", Path(__file__).with_name("static"))
    app[SMTP_SERVER] = SmtpServer(mailbox, gateway.faults, clock)
    app.on_cleanup.append(lambda app: app[SMTP_SERVER].stop())
    app.on_cleanup.append(lambda app: sender.stop())
    app.on_cleanup.append(closing(gateway.ledger, mailbox, *apis))
    return app


def home_cards(
    running: Mapping[SystemRegistration, RunningSystem], mailbox: Mailbox
) -> list[HomeCard]:
    cards = [
        HomeCard(system.key, system.title, system.about, started.items, system.unit)
        for system, started in running.items()
    ]
    return [*cards, HomeCard("mail", "Mailbox", MAIL_ABOUT, mailbox, "mails")]


def navigation(systems: Sequence[SystemRegistration]) -> list[tuple[str, str]]:
    """The links on top of every page: address and label."""
    links = [(f"/{system.key}/", system.nav_label) for system in systems]
    return [("/", "Sandbox"), *links, ("/mail/", "Mail"), ("/_control/", "Control")]


def add_system(app: web.Application, gateway: Gateway, system: System) -> None:
    """Route the addresses of a system through the gateway, and give it the accounts, now and after
    each change.
    """
    for root, below in system.addresses:
        for method in system.methods:
            app.router.add_route(method, root + below, gateway.takes(system, root))
    gateway.store.subscribe(lambda: system.load_accounts(gateway.clock()))
    system.load_accounts(gateway.clock())


def closing(*resources: Any) -> Callable[[web.Application], Awaitable[None]]:
    async def close(_: web.Application) -> None:
        for resource in resources:
            resource.close()

    return close
