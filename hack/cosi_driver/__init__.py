"""A COSI driver for SeaweedFS: buckets for claims, and keys that reach one bucket only."""
