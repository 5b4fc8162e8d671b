"""The controller runtime. Knows no registry; would serve any other operator unchanged."""
