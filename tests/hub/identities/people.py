"""Directories that answer, and the rows that they become."""

import json

from connectors.http import Response
from hub.audit import ActorContext
from hub.identities.directory_reads import read_next_page, refresh_directory
from hub.identities.models import DirectoryRead
from tests.factories import NOON

SYSTEM = ActorContext.system()


def member(id, name="", email="", **fields):
    profile = {"real_name": name} | ({"email": email} if email else {})
    return {"id": id, "name": id.lower(), "profile": profile, "deleted": False} | fields


def members(*rows, cursor=""):
    body = {"ok": True, "members": rows, "response_metadata": {"next_cursor": cursor}}
    return Response(200, json.dumps(body).encode())


def read_whole(connection, http, *, now=NOON):
    """Read a directory from its beginning; return the read."""
    read = refresh_directory(connection, SYSTEM, now=now)
    while read_next_page(read.pk, call=http.call, now=now):
        pass
    return DirectoryRead.unscoped.get(pk=read.pk)
