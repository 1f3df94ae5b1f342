"""How a source dies, and what the provider would answer if it were asked then.

Nothing of the product is known here: a question is asked at a time, an answer comes at a later one.
"""

from dataclasses import dataclass
from random import Random

from bench.silence.traffic import Traffic

SECOND = 1 / 3600
ANSWER_SECONDS = 20.0  # on average
LOST, RETRY_SECONDS = 0.05, 60.0
CANARY_SECONDS = 240.0  # sent, not heard, sent again, not heard

# Of 20 deaths: the registration is gone, disabled or changed, which its listing tells; it is listed
# and not called, which a canary tells; the same without a canary, so that only the provider's feed
# tells, once it has something.
MANNERS = ("listing",) * 17 + ("canary",) * 2 + ("feed",)


@dataclass(frozen=True, slots=True)
class Death:
    at: float  # hours, as in Traffic
    manner: str

    def answer(self, asked_at: float, traffic: Traffic, random: Random) -> tuple[float, bool]:
        """Return when the answer is there, and whether it says that the source is dead."""
        seconds = random.expovariate(1 / ANSWER_SECONDS)
        while random.random() < LOST:
            seconds += RETRY_SECONDS
        if self.manner == "canary":
            seconds += CANARY_SECONDS
        says_dead = self.manner != "feed" or bool(traffic.find_between(self.at, asked_at))
        return asked_at + seconds * SECOND, says_dead


def draw_death(random: Random, start: float, end: float) -> Death:
    return Death(random.uniform(start, end), random.choice(MANNERS))
