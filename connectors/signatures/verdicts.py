"""The result of checking that a request comes from its provider, with the cause of a rejection."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from connectors.i18n import _


class Cause(StrEnum):
    """The cause of a rejection. `sentence` explains it to staff."""

    NO_SECRET = "no_secret"
    UNUSABLE_SECRET = "unusable_secret"
    UNKNOWN_KEY_ID = "unknown_key_id"
    WRONG_METHOD = "wrong_method"
    BODY_TOO_LARGE = "body_too_large"
    UNSIGNED_BODY = "unsigned_body"
    MISSING_HEADER = "missing_header"
    MISSING_PARAMETER = "missing_parameter"
    MALFORMED_SIGNATURE = "malformed_signature"
    MALFORMED_TIMESTAMP = "malformed_timestamp"
    MALFORMED_ID = "malformed_id"
    MALFORMED_KEY_ID = "malformed_key_id"
    MALFORMED_CREDENTIAL = "malformed_credential"
    STALE_TIMESTAMP = "stale_timestamp"
    FUTURE_TIMESTAMP = "future_timestamp"
    WRONG_SECRET = "wrong_secret"

    @property
    def sentence(self) -> str:
        return CAUSE_SENTENCES[self]


CAUSE_SENTENCES: Mapping[Cause, str] = {
    Cause.NO_SECRET: _("No secret is configured, so no request can be verified."),
    Cause.UNUSABLE_SECRET: _(
        "The configured secret cannot be used: it is empty, too short, or not in the format "
        "that the provider issues."
    ),
    Cause.UNKNOWN_KEY_ID: _("The request names a key that is not configured."),
    Cause.WRONG_METHOD: _("The request uses an HTTP method that the provider does not use."),
    Cause.BODY_TOO_LARGE: _("The body is larger than the provider sends."),
    Cause.UNSIGNED_BODY: _("The signature does not cover the body."),
    Cause.MISSING_HEADER: _("A header that the verification needs is missing or empty."),
    Cause.MISSING_PARAMETER: _("The query parameter that contains the secret is missing."),
    Cause.MALFORMED_SIGNATURE: _(
        "The signature header is repeated, or it is not in the format that the provider sends."
    ),
    Cause.MALFORMED_TIMESTAMP: _(
        "The timestamp is missing or repeated, or it is not in the format that the provider sends."
    ),
    Cause.MALFORMED_ID: _("The message id is repeated or has characters that are not allowed."),
    Cause.MALFORMED_KEY_ID: _("The key id is repeated or has characters that are not allowed."),
    Cause.MALFORMED_CREDENTIAL: _(
        "The secret is repeated, or it is not in the format that the provider sends."
    ),
    Cause.STALE_TIMESTAMP: _("The request was signed too long ago."),
    Cause.FUTURE_TIMESTAMP: _("The timestamp of the request is in the future."),
    Cause.WRONG_SECRET: _(
        "No configured secret matches: the request was signed with another secret, or its content "
        "was changed on the way."
    ),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is authentic; if not, the cause.

    `secret_index`: the position of the secret that matched, in the order in which they were given.
    """

    is_valid: bool
    cause: Cause | None = None
    secret_index: int | None = None


class SignatureRejection(Exception):
    """A request is rejected for `cause`. `verify` turns it into a Verdict."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause
