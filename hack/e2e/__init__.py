"""Chainsaw stories on the full local cluster, against the operator as it is installed."""
