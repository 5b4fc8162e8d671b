"""What the server knows of each kind: its schema and its peculiarities, as data."""
