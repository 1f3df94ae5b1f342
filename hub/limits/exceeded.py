"""The exception for an exceeded limit: a problem for API clients, a page for users."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from hub.limits.definitions import LIMITS
from hub.number_texts import format_whole
from hub.problems import Problem

# by whether waiting helps
PROBLEM_CODE_BY_CAN_WAIT = {True: "quota-exceeded", False: "limit-reached"}


class LimitExceeded(Problem):
    """A limit is exceeded; nothing was changed.

    `retry_at` is the start of the next window; None if waiting does not help.
    """

    remaining: Sequence[Any] = ()  # of all limits that count the same request

    def __init__(
        self,
        name: str,
        quota: int,
        *,
        subject_label: str | Promise,
        retry_at: datetime | None,
        now: datetime,
    ) -> None:
        limit, self.retry_at = LIMITS[name], retry_at
        detail = _("%(limit)s: at most %(quota)s for %(whose)s.") % {
            "limit": limit.label,
            "quota": format_whole(quota),
            "whose": subject_label,
        }
        seconds = seconds_until(retry_at, now) if retry_at else 0
        headers = {"Retry-After": str(seconds)} if retry_at else {}
        error = {"pointer": "", "detail": str(limit.label), "code": name}
        super().__init__(
            PROBLEM_CODE_BY_CAN_WAIT[retry_at is not None], detail, errors=[error], headers=headers
        )


def seconds_until(time: datetime, now: datetime) -> int:
    return max(1, math.ceil((time - now) / timedelta(seconds=1)))
