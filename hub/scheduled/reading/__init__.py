"""Read a collection of a system, and determine whether the read was complete.

`read_pages` reads it to its end, page by page; `read_records` reads single records again.
"""

from hub.scheduled.reading.pages import ReadPage, read_pages
from hub.scheduled.reading.records import read_records

__all__ = ["ReadPage", "read_pages", "read_records"]
