"""What we know of the registry program. Pure."""
