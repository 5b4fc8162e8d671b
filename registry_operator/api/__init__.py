"""What users write: pydantic models of our kinds, CEL rules, CRD generation. No I/O."""
