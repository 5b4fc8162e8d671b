"""Developers' side of the project: local cluster, its tools and images, benchmarks. Nothing here ships."""
