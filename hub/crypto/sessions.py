"""Session store: data is sealed, and rows are stored under a digest of the session key.

A session may temporarily hold the secret of a second factor or the code that confirms an address.
Each is sealed for its session key, so that a copy in another row cannot be opened; and as the
database holds only the digest of the key, reading the database does not let anyone sign in.
"""

import hashlib
import json
from datetime import datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session
from django.views.decorators.debug import sensitive_variables

from hub.crypto.sealed import CannotOpen, open_text, seal_text

DELETED_PER_CALL = 500
DIGEST_LENGTH = 40  # hexadecimal digits: all that Django's column holds; 160 bits of a 165-bit key


def digest_session_key(session_key: str) -> str:
    return hashlib.sha256(session_key.encode("utf-8", "replace")).hexdigest()[:DIGEST_LENGTH]


class SessionStore(DatabaseSessions):
    @sensitive_variables()
    def encode(self, session_dict: dict[str, Any]) -> str:
        return seal_text(json.dumps(session_dict), self.binding)

    @sensitive_variables()
    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """Return an empty session for data that cannot be opened, as Django for tampered data."""
        try:
            document: dict[str, Any] = json.loads(open_text(str(session_data), self.binding))
        except CannotOpen:
            return {}
        return document

    @property
    def binding(self) -> str:
        return f"session:{self.session_key}"

    # --- the row is found by the digest, wherever Django would look for the key ---

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        key = str(self.session_key)
        self._session_key = digest_session_key(key)
        find_session = super()._get_session_from_db  # type: ignore[misc]  # not in the stubs
        session: AbstractBaseSession | None = find_session()
        self._session_key = key if session else None
        return session

    def exists(self, session_key: str) -> bool:
        return super().exists(digest_session_key(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        session = super().create_model_instance(data)
        session.session_key = digest_session_key(session.session_key)
        return session

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            super().delete(digest_session_key(key))

    _aget_session_from_db = sync_to_async(_get_session_from_db)
    aexists = sync_to_async(exists)  # type: ignore[arg-type]  # stubs: a method in a class body
    acreate_model_instance = sync_to_async(
        create_model_instance  # type: ignore[arg-type]  # the same
    )
    adelete = sync_to_async(delete)  # type: ignore[arg-type]  # the same


def delete_expired_sessions(*, now: datetime) -> None:
    expired_keys = Session.objects.filter(expire_date__lt=now).values_list("pk", flat=True)
    if keys := list(expired_keys[:DELETED_PER_CALL]):
        Session.objects.filter(pk__in=keys, expire_date__lt=now).delete()
