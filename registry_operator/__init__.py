"""Registry Operator: runs CNCF Distribution registries on Kubernetes."""

__version__ = "0.1.0"
