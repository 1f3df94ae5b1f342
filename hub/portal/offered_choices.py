"""Lists of a connection's system from which a person chooses on a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy

from connectors.outcomes import Outcome
from hub.connections.credentials.provider_call import (
    INTERACTIVE_PATIENCE,
    Call,
    translate_detail,
)
from hub.connections.models import Connection
from hub.schemas.choice_lists import find_choice_list, refresh_choice_list, request_choice_list

OTHER_RECORD_LABEL = gettext_lazy("Or the ID of another record")
READ_AGAIN = "read_again"  # the button that reads the lists now


@dataclass(frozen=True, slots=True)
class OfferedChoices:
    """Records of an account; `detail`: why there are none.

    `is_complete`: the list contains all records. `is_requested`: it is read in the background.
    """

    rows: Sequence[tuple[str, str]] = ()
    is_complete: bool = False
    detail: str = ""
    is_requested: bool = False
    connection: Connection | None = None


def load_offered_choices(
    connection: Connection, kind: str, *, call: Call | None, may_request: bool, now: datetime
) -> OfferedChoices:
    """Read the list from its system with `call`, for a person who waits; else find the stored one.

    The read waits for a quota that the read in the background has just spent.

    A stored list that is missing or old is requested in the background if it `may_request`: a
    support visit, which is read-only, may not.
    """
    if call is not None:
        read = refresh_choice_list(
            connection, kind, call=call, now=now, patience=INTERACTIVE_PATIENCE
        )
        if isinstance(read, Outcome):
            detail = translate_detail(read.reason, read.detail) or read.reason.replace("_", " ")
            return OfferedChoices(detail=detail, connection=connection)
        return OfferedChoices(read.choices, read.is_complete, connection=connection)
    is_requested = may_request and request_choice_list(connection, kind, now=now)
    stored = find_choice_list(connection, kind)
    return OfferedChoices(
        stored.choices if stored else (),
        stored is not None and stored.is_complete,
        is_requested=is_requested,
        connection=connection,
    )
