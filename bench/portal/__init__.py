"""What `manage.py bench portal` measures: the pages of a customer, beside a million deliveries."""

from collections.abc import Mapping

from bench.portal import pages
from bench.suite import Bench

BENCHES: Mapping[str, Bench] = {"pages": pages}
