"""How much one tenant, and one API key, may use: the limits, their counts, and the answer beyond them.

`requests.count_request` counts on the hot path, `spending.spend_exactly` beside a row that is written,
`spending.refuse_beyond` what exists at a time.
"""
