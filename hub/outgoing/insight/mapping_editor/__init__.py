"""What the editor of a field mapping shows beside its rows: where the mapping is used, our paths
from real events, and the request that would be sent next to the last one that was.
"""
