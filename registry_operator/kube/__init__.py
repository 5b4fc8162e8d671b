"""The API server: authentication, transport, codec, client, watch. Knows no controller."""
