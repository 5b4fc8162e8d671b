"""`python -m hack.images`: make, list and find the images of the local cluster.

In flow names; out flow paths and a table on stdout, progress and errors on stderr. The exit code is
0 when everything that was asked for exists now.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hack.cluster.error import ClusterError
from hack.images.catalogue import Catalogue, default_catalogue
from hack.images.errors import ImageError

_EXAMPLES = """\
examples:
  python -m hack.images build                        make all images that are missing
  python -m hack.images build registry-operator:dev  only the operator's (and its base)
  python -m hack.images path registry:2              where its tar is (made when missing)
"""


def main(arguments: Sequence[str] | None = None, catalogue: Catalogue | None = None) -> int:
    """Runs one command (on all images of the project, if not told otherwise): the exit code."""
    options = _parser().parse_args(arguments)
    catalogue = catalogue or default_catalogue()
    try:
        if options.command == "list":
            _list(catalogue)
        elif options.command == "path":
            print(catalogue.image(options.name))
        else:
            names = options.names or [row.names[0] for row in catalogue.listed()]
            for name in names:
                print(catalogue.image(name))
    except (ImageError, ClusterError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1

    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hack.images",
        description="The images of the local cluster, as docker-archive tars in a cache.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    build = commands.add_parser("build", help="make images that are missing (default: all)")
    build.add_argument("names", nargs="*", metavar="NAME")
    commands.add_parser("list", help="show all images, and which are made")
    path = commands.add_parser("path", help="print where an image's tar is; make it when missing")
    path.add_argument("name", metavar="NAME")

    return parser


def _list(catalogue: Catalogue) -> None:
    for row in catalogue.listed():
        state = "missing" if row.size is None else f"{row.size / 1e6:.0f} MB"
        print(f"{', '.join(row.names):28} {state:>8}  {row.about}\n{'':38}{row.path}")

    stats = catalogue.stats()
    print(f"{stats.images} images in the cache, {stats.size / 1e6:.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
