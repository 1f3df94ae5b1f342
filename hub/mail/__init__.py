"""The one door to mail: what is to be sent is a row first, and a worker sends it. No page waits for a mail server."""

from hub.mail.letters import link
from hub.mail.send import NotSetUp, send, withdraw

__all__ = ["NotSetUp", "link", "send", "withdraw"]
