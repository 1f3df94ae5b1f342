"""Reconciliation: read both sides, compare them, and record the discrepancies.

`executor.run_reconciliation` is the executor of the kind, `options.check_options` checks the
options of a job. The steps between a read record and a finding are pure.
"""
