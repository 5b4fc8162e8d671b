"""What `make test` runs, tier by tier, and the truth about it at the end."""
