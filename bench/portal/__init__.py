"""What `manage.py bench portal` measures: the pages of a customer, beside a million deliveries."""

from bench.portal import pages

BENCHES = {"pages": pages}
