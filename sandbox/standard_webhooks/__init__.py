"""A sender of Standard Webhooks: any application that signs its webhooks after that standard."""

from sandbox.registration import Environment, RunningSystem, SystemRegistration
from sandbox.standard_webhooks.pages import Pages
from sandbox.standard_webhooks.senders import BUILT_IN, SENDERS, StandardWebhooks
from sandbox.storage.account_store import SystemDefaults


def start(environment: Environment) -> RunningSystem:
    system = StandardWebhooks(
        environment.store, environment.state, environment.random, environment.sender
    )
    pages = Pages(system, environment.clock)
    return RunningSystem(system, (pages,), items=system, events=system.events)


SYSTEM = SystemRegistration(
    key="standard_webhooks",
    title="Standard Webhooks",
    nav_label="Senders",
    about="Applications that send signed webhooks after the Standard Webhooks specification.",
    unit="senders",
    defaults=SystemDefaults(SENDERS, BUILT_IN, latency=(0, 0)),
    start=start,
)
