"""The whole desk as one web application: every system with its door and its pages, the mailbox, and the control."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import web

from sandbox.clock import Clock
from sandbox.consent import Consent
from sandbox.control import Control
from sandbox.door import Door
from sandbox.faults import Faults
from sandbox.home import Home
from sandbox.ledger import Ledger
from sandbox.levers import Levers
from sandbox.mail.box import Box
from sandbox.mail.pages import Pages as MailPages
from sandbox.mail.smtp import Receiver
from sandbox.orders.pages import Pages as OrderPages
from sandbox.orders.system import OrderApp
from sandbox.pipedrive.pages import Pages as PipedrivePages
from sandbox.pipedrive.system import Pipedrive
from sandbox.salesforce.pages import Pages as SalesforcePages
from sandbox.salesforce.system import Salesforce
from sandbox.slack.pages import Pages as SlackPages
from sandbox.slack.system import Slack
from sandbox.splunk.pages import Pages as SplunkPages
from sandbox.splunk.system import Splunk
from sandbox.webhook.pages import Pages as WebhookPages
from sandbox.webhook.system import Catcher
from sandbox.wire import Send, System
from sandbox.world import World

MOST = 64 * 1024 * 1024  # bytes of a request
POSTMAN = web.AppKey("postman", Receiver)  # whoever runs the application lets it listen


def create_app(
    *, state: Path, world: Path, clock: Clock, random: Random, send: Send
) -> web.Application:
    accounts = World(world)
    door = Door(accounts, Ledger(state / "ledger.jsonl"), Faults(), clock, random)
    slack, salesforce = Slack(accounts, state, random), Salesforce(accounts, state, random)
    pipedrive = Pipedrive(accounts, state, random)
    splunk, catcher, shop = (
        Splunk(accounts, state),
        Catcher(accounts, state),
        OrderApp(accounts, state, partial(send, "POST")),
    )
    systems: list[System] = [slack, salesforce, pipedrive, splunk, catcher, shop]
    box = Box(state)
    held = {
        "slack": slack.rooms, "salesforce": salesforce.records, "pipedrive": pipedrive.records,
        "splunk": splunk.events, "webhook": catcher.caught, "app": shop.book, "mail": box,
    }  # fmt: skip
    pages = (
        Consent(slack.consent(), slack.codes, door), Consent(salesforce.consent(), salesforce.codes, door),
        Consent(pipedrive.consent(), pipedrive.codes, door),
        SlackPages(slack), SalesforcePages(salesforce), PipedrivePages(pipedrive), SplunkPages(splunk),
        WebhookPages(catcher), OrderPages(shop, clock), MailPages(box),
        Control(door, Levers(door, systems), box, {*(system.key for system in systems), "mail"}, send),
    )  # fmt: skip
    app = web.Application(client_max_size=MOST)
    app.router.add_get("/", Home(door, held).show)
    for shown in pages:
        app.router.add_routes(shown.routes())
    for system in systems:
        connect(app, door, system)
    app.router.add_static("/static", Path(__file__).with_name("static"))
    app[POSTMAN] = Receiver(box, door.faults, clock)
    app.on_cleanup.append(lambda app: app[POSTMAN].stop())
    app.on_cleanup.append(closing(door.ledger, box, *systems))
    return app


def connect(app: web.Application, door: Door, system: System) -> None:
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
