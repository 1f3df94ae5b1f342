"""Sessions lie sealed: for a while they hold the secret of a second factor, or the code that confirms an address.

Each is bound to its key, so what is copied into another row opens nothing.
"""

import json
from datetime import datetime
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.contrib.sessions.models import Session
from django.views.decorators.debug import sensitive_variables

from hub.secrets import CannotOpen, opened_text, sealed_text

FORGOTTEN_AT_ONCE = 500


class SessionStore(DatabaseSessions):
    @sensitive_variables()
    def encode(self, session_dict: dict[str, Any]) -> str:
        return sealed_text(json.dumps(session_dict), self.binding)

    @sensitive_variables()
    def decode(self, session_data: str) -> dict[str, Any]:
        """What does not open is nobody's session, as Django has it of what was tampered with."""
        try:
            return json.loads(opened_text(session_data, self.binding))
        except CannotOpen:
            return {}

    @property
    def binding(self) -> str:
        return f"session:{self.session_key}"


def forget_the_old(*, now: datetime) -> None:
    ended = Session.objects.filter(expire_date__lt=now).values_list("pk", flat=True)
    if keys := list(ended[:FORGOTTEN_AT_ONCE]):
        Session.objects.filter(pk__in=keys, expire_date__lt=now).delete()
