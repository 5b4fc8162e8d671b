"""`python -m registry_operator`: see cli.py."""

import gc

# Importing makes modules and no garbage: looking for it is a tenth of what a start costs.
gc.disable()

from registry_operator.cli import main  # noqa: E402

gc.freeze()
gc.enable()

if __name__ == "__main__":
    main()
