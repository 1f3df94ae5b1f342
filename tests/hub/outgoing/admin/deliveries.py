"""The pages of a delivery, and the pump."""

from django.urls import reverse

from hub.outgoing.pump.loop import run_pump
from tests.factories import NOON
from tests.fakes import FakeHttp


def pump(http=None, at=NOON):
    run_pump(
        clock=lambda: at, open_client=(http or FakeHttp()).outlet, random=lambda: 0, idle_seconds=0
    )


def page_of(delivery, name="change"):
    return reverse(f"admin:outgoing_delivery_{name}", args=[delivery.pk])
