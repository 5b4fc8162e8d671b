"""What developers run: local cluster, its tools and images, benchmarks. Nothing here ships."""
