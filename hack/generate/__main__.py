"""`python -m hack.generate [GENERATOR|all] [--check]`: the files that follow from the code.

Without --check they are written; with it, a file that drifted is shown as a diff and fails the run.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from hack.generate import conformance, crds, docs, mutants, performance, rbac
from hack.generate.file import GeneratedFile, GenerateError, drift, write

ROOT = Path(__file__).parents[2]
_GENERATORS: dict[str, Callable[[], Iterable[GeneratedFile]]] = {
    "crds": crds.files,
    "rbac": rbac.files,
    "docs": docs.files,
    "conformance": conformance.files,
    "mutants": mutants.files,
    "performance": performance.files,
}


@click.command()
@click.argument("what", type=click.Choice([*_GENERATORS, "all"]), default="all")
@click.option("--check", is_flag=True, help="Write nothing; print the difference and fail on one.")
def main(what: str, *, check: bool) -> None:
    """Writes the files that follow from the code: CRDs, RBAC, tables of the documentation."""
    chosen = _GENERATORS.values() if what == "all" else [_GENERATORS[what]]
    try:
        files = [file for generator in chosen for file in generator()]
    except GenerateError as error:
        raise click.ClickException(str(error)) from error

    if check:
        difference = drift(ROOT, files)
        click.echo(difference, nl=False)
        if difference:
            click.echo("generated files are not up to date: run `make generate`", err=True)
            sys.exit(1)

        return

    for path in write(ROOT, files):
        click.echo(path)


if __name__ == "__main__":
    main()
