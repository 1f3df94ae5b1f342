"""The night: when each tenant's run starts in its window, and what the coming night will cost.

`offsets.assign_offsets` spreads the runs of one slot; `simulation.simulate_night` predicts their
ends under the quotas.
"""
