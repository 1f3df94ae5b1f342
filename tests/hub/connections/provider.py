"""A token endpoint with refresh tokens that work once, kept in a file: several processes may ask
it.
"""

import fcntl
import json
import sys
import time
from pathlib import Path

from connectors.http import Response

ORG = "00D000000000001AAA"
FIRST = "5Aep-0"


class Provider:
    """A used refresh token is refused, for ever and at once; `grace` lets each work for a second
    time.
    """

    def __init__(self, file, *, grace=False):
        self.file, self.grace = Path(file), grace
        if not self.file.exists():
            self.file.write_text(json.dumps({"calls": 0, "live": [FIRST], "given": 0}))

    @property
    def known(self):
        return json.loads(self.file.read_text())

    def call(self, request):
        with self.file.open("r+") as kept:
            fcntl.flock(kept, fcntl.LOCK_EX)
            known = json.load(kept)
            answer = self.answer(known, request.form["refresh_token"])
            kept.seek(0)
            kept.write(json.dumps(known))
            kept.truncate()
        return answer

    def answer(self, known, used):
        known["calls"] += 1
        if used not in known["live"]:
            return Response(
                400, b'{"error":"invalid_grant","error_description":"expired access/refresh token"}'
            )
        known["given"] += 1
        fresh = f"5Aep-{known['given']}"
        known["live"] = [*([used] if self.grace else []), fresh]
        identity = f"https://login.salesforce.com/id/{ORG}/005000000000001AAA"
        data = {"access_token": f"00D!{known['given']}", "refresh_token": fresh, "id": identity}
        return Response(200, json.dumps(data).encode())


def main(file, moment, grace):
    """One worker that refreshes what is due, in a process of its own."""
    import django

    django.setup()
    from datetime import datetime

    from hub.connections.credentials.refresh import refresh_access_token
    from hub.connections.models import Connection

    connection = Connection.unscoped.select_related("credential").get(connector_key="salesforce")
    now = datetime.fromisoformat(moment)
    refresh_access_token(
        connection,
        call=Provider(file, grace=grace == "grace").call,
        now=now,
        random=lambda: 0.5,
        sleep=time.sleep,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
