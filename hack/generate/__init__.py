"""Writes the files that follow from the code: CRDs, RBAC, tables of the documentation."""
