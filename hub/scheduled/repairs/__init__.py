"""Repairs of discrepancies: ordinary deliveries with a precondition.

`discrepancy_actions` has what people and programs may do with a discrepancy, `execute` the batch of
the operation that repairs many, `outcomes` what becomes of a discrepancy whose delivery has ended.
"""
