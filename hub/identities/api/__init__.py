"""REST API of people: our users, directories, suggestions and their review."""
