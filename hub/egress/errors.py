"""Errors of egress. Their texts contain codes and host names; no URL, header or body."""

from typing import ClassVar


class EgressError(Exception):
    """A call failed; `reason` is a stable code.

    The subclass says whether the request may have arrived.
    """

    permanent: ClassVar[bool] = False

    def __init__(self, reason: str, host: str = "") -> None:
        super().__init__(reason, host)
        self.reason = reason
        self.host = host

    def __str__(self) -> str:
        return f"{self.reason} ({self.host})" if self.host else self.reason


class RequestNotSent(EgressError):
    """Nothing was sent: `dns_failed`, `connect_failed`, `tls_failed` or `egress_refused`."""


class RequestWithdrawn(RequestNotSent):
    """Nothing was sent, as the caller's condition for sending was not true any more."""

    def __init__(self) -> None:
        super().__init__("withdrawn")


class ResponseNotReceived(EgressError):
    """The request may have arrived: `timed_out`, `connection_lost`, `bad_answer`."""


RULE_MESSAGES = {
    "address": "This address cannot be called.",
    "characters": "The address contains spaces, control characters or a backslash.",
    "scheme": "The address must start with https://.",
    "userinfo": "The address must not contain a user name or password.",
    "host": (
        "The address does not contain a public host name. Write international names in their "
        "xn-- form."
    ),
    "port": "This port is not allowed.",
    "own_host": "This address belongs to the hub itself.",
    "denied_address": "The host is, or resolves to, an address that is not allowed.",
    "method": "This method is not allowed.",
    "header": "The name or value of a header is not allowed.",
}


class EgressRefused(RequestNotSent):
    """A rule of egress forbids the request, permanently.

    `reason` is always `egress_refused`; the text explains the rule.
    """

    permanent = True

    def __init__(self, rule: str, host: str = "") -> None:
        super().__init__("egress_refused", host)
        self.rule = rule

    def __reduce__(self) -> tuple[type["EgressRefused"], tuple[str, str]]:
        return EgressRefused, (self.rule, self.host)

    def __str__(self) -> str:
        return RULE_MESSAGES[self.rule]
