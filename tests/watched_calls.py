"""Which of our functions were called while a test did something; nothing is patched."""

import inspect
import sys
from contextlib import contextmanager


@contextmanager
def watched_calls(*functions, note=lambda name: name):
    """Collects what `note` returns of the name of each of these functions when this thread calls
    it.
    """
    names = {inspect.unwrap(function).__code__: function.__qualname__ for function in functions}
    calls = []

    def notice(frame, event, argument):
        if event == "call" and frame.f_code in names:
            calls.append(note(names[frame.f_code]))

    sys.setprofile(notice)
    try:
        yield calls
    finally:
        sys.setprofile(None)
