"""Log shipping: send the lines of a log in batches, from its position on.

`executor` runs it, `figures` says how far it is, `retention` deletes and drops old lines.
"""
