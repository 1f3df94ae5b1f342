"""The log of events and deliveries: the query of a URL, its pages, and the text of each row."""
