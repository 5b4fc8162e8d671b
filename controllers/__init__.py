"""The domain: everything that the operator runs, in one table.

Each package here is one kind that users write; each module in it one kind that it owns. `install`
declares them to the runtime, `rules` says which rights they need (the ClusterRole is generated
from it).
"""

from collections.abc import Callable, Iterable

from controllers import rights
from controllers.registry import assembly as registry
from controllers.registry.checking import check
from controllers.registry.rounds import ask
from controllers.template import assembly as template
from registry_operator.runtime.operator import Operator


def install(
    operator: Operator,
    *,
    namespace: str | None,
    random_secret: Callable[[], str],
    allows_host_path: bool = False,
    checks_clients: bool = True,
) -> None:
    """Declares every controller to the operator; `namespace` None means all namespaces.

    `allows_host_path`: whether Registries may use folders of nodes. `checks_clients`: whether it is
    tried that clients are served.
    """
    registry.install(
        operator,
        namespace=namespace,
        asker=ask,
        checker=check,
        random_secret=random_secret,
        allows_host_path=allows_host_path,
        client_check=check if checks_clients else None,
        compares_traffic=True,
    )
    if namespace is None:
        # One that sees a part of the Registries would count that part, and others would too.
        template.install(operator)


def rules() -> Iterable[rights.Rule]:
    """The rights that the controllers need, as (API groups, resources, verbs)."""
    return rights.rules(registry.KINDS)
