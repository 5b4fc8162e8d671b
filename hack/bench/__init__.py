"""What the operator costs: figures against baselines of the same run (`make bench`)."""
