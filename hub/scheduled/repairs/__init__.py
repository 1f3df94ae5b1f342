"""Repairs of discrepancies: ordinary deliveries with a precondition.

`discrepancy_actions` has the actions on a discrepancy, `execute` the batch of the operation that
repairs many, `outcomes` the handling of failed deliveries of repairs.
"""
