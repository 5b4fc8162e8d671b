"""A real Kubernetes cluster on one machine: `Cluster.up("name")`, `python -m hack.cluster up`."""
