"""Who is who: directories of both sides, suggested pairs, and their review.

`put_local_users` and `refresh_directory` bring the people; `suggest_identities` pairs them;
`confirm_identities`, `ignore_identities` and `choose_candidate` decide. Only confirmed pairs are
used: see `hub.mappings.models.Identity`.
"""
