"""What an object of a kind may look like, and what the server makes of it."""
