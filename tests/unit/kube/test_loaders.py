"""What is loaded of kubernetes_asyncio, each time in a fresh process."""

import subprocess
import sys

import pytest

_LOADED = "\nimport registry_operator.kube.loaders as loaders; loaders.load()\n"


def printed(program: str) -> list[str]:
    """The words that a Python program prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return done.stdout.split()


def test_kubeconfigs_can_be_read_without_the_models_of_every_kind() -> None:
    loaded = printed(
        f"import sys{_LOADED}print(*(m for m in sys.modules if m.startswith('kubernetes_')))"
    )
    assert "kubernetes_asyncio.config.kube_config" in loaded
    assert "kubernetes_asyncio.client.configuration" in loaded
    assert len(loaded) < 20  # of some 900


@pytest.mark.parametrize(
    "program",
    [
        f"{_LOADED}import kubernetes_asyncio.client as c; print(c.V1Pod.__name__)",
        f"import kubernetes_asyncio.client as c{_LOADED}print(c.V1Pod.__name__)",
        f"import kubernetes_asyncio as k{_LOADED}print(k.client.V1Pod.__name__)",
    ],
    ids=["later", "earlier", "as a whole"],
)
def test_whoever_imports_the_library_gets_it_whole(program: str) -> None:
    assert printed(program) == ["V1Pod"]
