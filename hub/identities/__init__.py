"""Who is who: directories of both sides, suggested pairs, and their review.

`put_local_users` and `refresh_directory` read the people; `suggest_identities` suggests pairs;
`confirm_identities`, `ignore_identities`, `reopen_identities` and `keep_identities` store what a
person decides. Only confirmed pairs are used: see `hub.mappings.models.Identity`.
"""
