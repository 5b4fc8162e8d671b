"""The images that the local cluster runs, made without a registry and without an engine."""
