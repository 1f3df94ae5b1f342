"""The instruments of `manage.py bench`: a ledgered sink, an offline checker, baselines to measure
against.
"""
