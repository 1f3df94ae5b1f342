"""What the REST of every room is made of: pages, answers given once, fields, and how an operation is described."""
