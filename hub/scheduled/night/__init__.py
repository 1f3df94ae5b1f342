"""The night: when each tenant's run starts in its window, and what the coming night will cost.

`planner.plan_runs` spreads the runs of a slot; `forecast.forecast_night` predicts calls,
ends and missed deadlines; `picture` compares runs with their plan.
"""
