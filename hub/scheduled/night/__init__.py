"""The night: the start of each tenant's run in its window, and the forecast of the coming night.

`planner.plan_runs` spreads the runs of a slot; `forecast.forecast_night` predicts calls, ends and
missed deadlines; `picture` compares runs with their plan.
"""
