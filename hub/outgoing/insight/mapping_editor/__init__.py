"""The parts of the field mapping's editor beside its rows.

Where the mapping is used, our paths from real events, and the request that would be sent next to
the last one that was sent.
"""
