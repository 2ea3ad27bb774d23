"""Service levels: where the objectives stand, and from where their numbers come."""
