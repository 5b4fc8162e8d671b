"""The loaders of kubernetes_asyncio, without its client.

In flows nothing; out flow the few names that auth.py reads kubeconfigs and service accounts with.
Why not a plain import: each of these modules imports the package's `client`, and that some 860
generated modules, 35 MiB and a quarter of a second of CPU at every start, none of which is used.
So while they are imported a package without contents stands for it.
"""

import sys
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.machinery import PathFinder
from threading import Lock
from types import ModuleType
from typing import Any, Final

_LIBRARY: Final = "kubernetes_asyncio"
_CLIENT: Final = f"{_LIBRARY}.client"
_importing = Lock()


@dataclass(frozen=True, slots=True)
class Loaders:
    """Classes of kubernetes_asyncio, and its module `config.kube_config`."""

    configuration: Any
    config_exception: type[Exception]
    in_cluster: Any
    kube_config: Any


def load() -> Loaders:
    """Imports them, once; blocks meanwhile. Raises ImportError when the library moved them."""
    with _importing:
        return _load()


@cache
def _load() -> Loaders:
    whole = {name: sys.modules.pop(name, None) for name in (_LIBRARY, _CLIENT)}
    try:
        library, client = _hollow(_LIBRARY, None), _hollow(_CLIENT, _LIBRARY)
        library.client = client  # type: ignore[attr-defined]  # what an import would do
        client.Configuration = import_module(f"{_CLIENT}.configuration").Configuration  # type: ignore[attr-defined]
        client.ApiClient = None  # type: ignore[attr-defined]  # named by what we never call
        return Loaders(
            configuration=client.Configuration,
            config_exception=import_module(f"{_LIBRARY}.config").ConfigException,
            in_cluster=import_module(f"{_LIBRARY}.config.incluster_config").InClusterConfigLoader,
            kube_config=import_module(f"{_LIBRARY}.config.kube_config"),
        )
    finally:
        # Whoever imports the library later gets it whole.
        for name, module in whole.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module


def _hollow(name: str, parent: str | None) -> ModuleType:
    """A package of which only the submodules can be imported; it is in `sys.modules` from now."""
    path = sys.modules[parent].__path__ if parent else None
    spec = PathFinder.find_spec(name, path)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(f"there is no package {name}")
    package = ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = package
    return package
