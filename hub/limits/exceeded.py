"""The answer beyond a limit, for programs and for people."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from hub.limits.catalogue import LIMITS
from hub.problems import Problem

CODES = {True: "quota-exceeded", False: "limit-reached"}  # by whether waiting helps


class LimitExceeded(Problem):
    """Raised before anything is done. `again` is when the next window begins; None where waiting does not help."""

    remaining: Sequence[Any] = ()  # of all limits that the same request is counted for

    def __init__(self, name: str, quota: int, *, whose: str | Promise, again: datetime | None, now: datetime) -> None:
        limit, self.again = LIMITS[name], again
        detail = _("%(limit)s: at most %(quota)s for %(whose)s.") % {
            "limit": limit.label,
            "quota": f"{quota:,}",
            "whose": whose,
        }
        seconds = seconds_until(again, now) if again else 0
        headers = {"Retry-After": str(seconds)} if again else {}
        error = {"pointer": "", "detail": str(limit.label), "code": name}
        super().__init__(CODES[again is not None], detail, errors=[error], headers=headers)


def seconds_until(moment: datetime, now: datetime) -> int:
    return max(1, math.ceil((moment - now) / timedelta(seconds=1)))
