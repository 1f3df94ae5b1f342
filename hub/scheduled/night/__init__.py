"""The night: the start of each tenant's run in its window, and the forecast of the coming night.

`planner.plan_runs` spreads the runs of a slot; `forecast.forecast_night` predicts calls, ends and
missed deadlines; `past_runs` compares runs with their plan;
`night_run.NightRun` is a run of any of these.
"""
