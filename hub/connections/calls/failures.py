"""Classify the failure of a call: whether the request may have arrived, or will never be sent."""

from connectors.outcomes import Outcome, OutcomeBuilder, later, never, unknown
from hub.egress import EgressError, EgressRefused, RequestNotSent


def classify_failure(error: Exception, build_unanswered: OutcomeBuilder = unknown) -> Outcome:
    """Return the outcome of a failed call; its reason is the reason code of the failure.

    `build_unanswered` builds the outcome of a request that may have arrived.
    """
    match error:
        case EgressRefused():
            return never(error.reason, str(error))
        case RequestNotSent():
            return later(error.reason, str(error))
        case EgressError():
            return build_unanswered(error.reason, str(error))
    # a defect of ours in reading the response: the request may have had its effect
    return build_unanswered("defect", type(error).__name__)
