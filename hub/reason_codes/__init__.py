"""Reason codes, each with its sentence and the action that resolves it.

Sentences are marked for translation where they are written, and translated when they are shown.
"""

from hub.reason_codes.deliveries import REASONS, endpoint_rejection, find_reason
from hub.reason_codes.expiry import EXPIRY_REASONS
from hub.reason_codes.incoming import (
    GAP_CAUSES,
    GAP_REASONS,
    ITEM_REASONS,
    SUBSCRIPTION_REASONS,
)
from hub.reason_codes.mails import MAIL_REASONS
from hub.reason_codes.reason import Reason, translate_text

__all__ = [
    "EXPIRY_REASONS",
    "GAP_CAUSES",
    "GAP_REASONS",
    "ITEM_REASONS",
    "MAIL_REASONS",
    "REASONS",
    "SUBSCRIPTION_REASONS",
    "Reason",
    "endpoint_rejection",
    "find_reason",
    "translate_text",
]
