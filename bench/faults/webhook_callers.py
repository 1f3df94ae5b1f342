"""A program that delivers mentions as Slack does: each until it is acknowledged."""

import time

from bench.baselines.load_generator import sign_body, sign_event
from bench.faults.event_callers import Call, Caller
from bench.slack import SECRET

TAMPERED_EVERY = 10  # messages
OTHER_SECRET = "0" * 32


class WebhookCaller(Caller):
    """Mentions of one workspace. Every tenth is preceded by one that is signed by another secret,
    which must not be acknowledged.
    """

    def __init__(self, port: int, path: str, name: str, team: str, per_second: int) -> None:
        super().__init__(port, "", name, "", [team], per_second)
        self.path = path

    def send_until_acknowledged(self, number: int) -> None:
        if number % TAMPERED_EVERY == 0:
            forged = self.sign(f"EvForged-{self.name_}-{number}", OTHER_SECRET)
            if self.post(forged) == 200:
                self.log.acknowledged[forged.id] = time.monotonic()  # it counts as lost
        super().send_until_acknowledged(number)

    def build_call(self, number: int) -> Call:
        return self.sign(f"Ev-{self.name_}-{number}", SECRET)

    def post_body(self, body: bytes) -> int:
        """Deliver one signed request with this body; return the status."""
        return self.post(Call("", self.path, body, sign_body(body, SECRET)))

    def sign(self, id: str, secret: str) -> Call:
        body, headers = sign_event(id, team=self.tenants[0], secret=secret)
        return Call(id, self.path, body, headers)
