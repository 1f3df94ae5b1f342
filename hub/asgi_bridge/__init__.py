"""The bridge between the web server and Django: an ASGI application that holds no thread for a body that arrives.

`Front` reads each body within a deadline, a length and a budget of bytes, and hands the complete request to Django's
WSGI handler in a pool of threads that live long: connections to the database are kept, and events that come at the
same moment share a transaction. (Django's own ASGI handler takes a thread for each request.)

application   the ASGI application: admits, reads, hands over, sends the answer
limits        how much at a time
bodies        a body: its framing, its deadline, its bytes
environ       an ASGI scope as a WSGI environment
threads       the pool
responses     an answer on its way from a thread to the loop
refusals      what is answered without Django
"""

from hub.asgi_bridge.application import AsgiBridge
from hub.asgi_bridge.limits import Limits, raise_file_limit

__all__ = ["AsgiBridge", "Limits", "raise_file_limit"]
