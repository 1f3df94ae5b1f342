"""This installation: its public URL, its registrations' URLs, and when none of it answered."""
