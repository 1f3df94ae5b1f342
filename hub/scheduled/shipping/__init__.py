"""Log shipping: send the lines of a log in batches, from its position on.

`executor` runs it, `figures` measures its progress, `retention` deletes and drops old lines.
"""
