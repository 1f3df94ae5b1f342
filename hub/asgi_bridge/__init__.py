"""The bridge between the web server and Django: an ASGI application that reads bodies itself.

`AsgiBridge` reads each body within limits of time, length and memory, and hands the complete
request to Django's WSGI handler in a pool of long-lived threads. Their database connections are
reused, and events that arrive at the same moment share a transaction. (Django's own ASGI handler
takes a thread for each request.) What programs call very often, the event loop answers itself.

application   the ASGI application: limit and read a request, hand it over, send the answer
limits        the limits of one web process
bodies        a request's body: framing, deadline, size
environ       an ASGI scope as a WSGI environment
threads       the thread pool
responses     the answer, from a thread to the event loop
loop_routes   requests that the event loop answers itself
batch_thread  a thread that works for many such requests together
refusals      answers that are sent without Django
"""

from hub.asgi_bridge.application import AsgiBridge
from hub.asgi_bridge.limits import Limits, raise_file_limit

__all__ = ["AsgiBridge", "Limits", "raise_file_limit"]
