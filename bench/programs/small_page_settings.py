"""The hub's settings where all collections ask for pages of HUB_BENCH_PAGE_SIZE records, so that a
bench of few records has many pages.
"""

import os

from connectors.registry import CONNECTORS
from hub.settings import *  # noqa: F403

for connector in CONNECTORS.values():
    for collection in connector.collections:
        collection.page_size = int(os.environ["HUB_BENCH_PAGE_SIZE"])
