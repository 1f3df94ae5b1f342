"""What changed at a tenant since a person's last visit to its pages."""
