"""`python -m registry_operator`: see cli.py."""

from registry_operator.cli import main

if __name__ == "__main__":
    main()
