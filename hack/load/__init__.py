"""Clients that push and pull at a steady rate and count every failed request."""
