"""`make demo`: a Registry that serves, from nothing, and a look at it."""
