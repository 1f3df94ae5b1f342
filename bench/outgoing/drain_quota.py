"""Measure the drain over a connector whose quotas are reserved for every call and never bind."""

from bench.outgoing.drain import DATABASES, measure_with_quotas

__all__ = ["DATABASES", "measure"]

measure = measure_with_quotas
