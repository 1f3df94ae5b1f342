"""Forms for the options of each kind of job, for people who do not write JSON.

`open_option_form` is the entry point.
"""
