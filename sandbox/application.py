"""The whole desk as one web application: every system with its door and its pages, the mailbox, and the control."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import web

from sandbox.app.pages import Pages as OrderPages
from sandbox.app.system import OrderApp
from sandbox.clock import Clock
from sandbox.control.account_controls import AccountControls
from sandbox.control.control_api import Control
from sandbox.faults import Faults
from sandbox.gateway import Gateway
from sandbox.mail.mailbox import Mailbox
from sandbox.mail.pages import Pages as MailPages
from sandbox.mail.smtp_server import SmtpServer
from sandbox.oauth.consent import ConsentViews
from sandbox.pages.home import Home
from sandbox.pipedrive.pages import Pages as PipedrivePages
from sandbox.pipedrive.system import Pipedrive
from sandbox.salesforce.pages import Pages as SalesforcePages
from sandbox.salesforce.system import Salesforce
from sandbox.slack.pages import Pages as SlackPages
from sandbox.slack.system import Slack
from sandbox.splunk.pages import Pages as SplunkPages
from sandbox.splunk.system import Splunk
from sandbox.storage.account_store import AccountStore
from sandbox.storage.ledger import Ledger
from sandbox.system import Send, System
from sandbox.webhook.pages import Pages as WebhookPages
from sandbox.webhook.system import WebhookCatcher

MOST = 64 * 1024 * 1024  # bytes of a request
POSTMAN = web.AppKey("postman", SmtpServer)  # whoever runs the application lets it listen


def create_app(
    *, state: Path, world: Path, clock: Clock, random: Random, send: Send
) -> web.Application:
    accounts = AccountStore(world)
    door = Gateway(accounts, Ledger(state / "ledger.jsonl"), Faults(), clock, random)
    slack, salesforce = Slack(accounts, state, random), Salesforce(accounts, state, random)
    pipedrive = Pipedrive(accounts, state, random)
    splunk, catcher, shop = (
        Splunk(accounts, state),
        WebhookCatcher(accounts, state),
        OrderApp(accounts, state, partial(send, "POST")),
    )
    systems: list[System] = [slack, salesforce, pipedrive, splunk, catcher, shop]
    box = Mailbox(state)
    held = {
        "slack": slack.rooms, "salesforce": salesforce.records, "pipedrive": pipedrive.records,
        "splunk": splunk.events, "webhook": catcher.caught, "app": shop.book, "mail": box,
    }  # fmt: skip
    pages = (
        ConsentViews(slack.consent(), slack.codes, door), ConsentViews(salesforce.consent(), salesforce.codes, door),
        ConsentViews(pipedrive.consent(), pipedrive.codes, door),
        SlackPages(slack), SalesforcePages(salesforce), PipedrivePages(pipedrive), SplunkPages(splunk),
        WebhookPages(catcher), OrderPages(shop, clock), MailPages(box),
        Control(door, AccountControls(door, systems), box, {*(system.key for system in systems), "mail"}, send),
    )  # fmt: skip
    app = web.Application(client_max_size=MOST)
    app.router.add_get("/", Home(door, held).show)
    for shown in pages:
        app.router.add_routes(shown.routes())
    for system in systems:
        connect(app, door, system)
    app.router.add_static("/static", Path(__file__).with_name("static"))
    app[POSTMAN] = SmtpServer(box, door.faults, clock)
    app.on_cleanup.append(lambda app: app[POSTMAN].stop())
    app.on_cleanup.append(closing(door.ledger, box, *systems))
    return app


def connect(app: web.Application, door: Gateway, system: System) -> None:
    for root, below in system.addresses:
        for method in system.methods:
            app.router.add_route(method, root + below, door.takes(system, root))
    door.world.heard_by(lambda: system.learn(door.clock()))
    system.learn(door.clock())


def closing(*things: Any) -> Callable[[web.Application], Awaitable[None]]:
    async def close(_: web.Application) -> None:
        for thing in things:
            thing.close()

    return close
