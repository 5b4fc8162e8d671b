"""Puts the controller of RegistryTemplates together: who wakes it, and what it reads.

In: an `Operator` that the Registries' controllers were installed to, whose caches are read here
too. Out: its declarations made.
"""

from controllers.kinds import REGISTRY, REGISTRY_TEMPLATE
from controllers.registry.template import name_of
from controllers.template import reporter
from controllers.template.reporter import TemplateReporter
from controllers.template.tally import Tally, changes_numbers
from registry_operator.kube.object import Object
from registry_operator.kube.resource import ObjectKey
from registry_operator.runtime.operator import Operator
from registry_operator.runtime.predicate import intent_changed

# Of thousands of Registries that follow a template, one write tells of as many as come meanwhile.
_GATHERED_SECONDS = 2.0


def install(operator: Operator) -> None:
    """Declares the status of templates to the operator."""
    registries, templates = (operator.cache.store(kind) for kind in (REGISTRY, REGISTRY_TEMPLATE))
    tally = Tally()
    work = TemplateReporter(
        client=operator.client,
        templates=templates,
        tally=tally,
        field_manager=operator.field_manager(reporter.NAME),
        clock=operator.clock,
    )
    registries.subscribe(tally.see)
    controller = operator.controller(reporter.NAME, work.reconcile)
    controller.watch(templates, _self_key, when=intent_changed)
    # To begin with, every template wakes itself.
    controller.watch(
        registries, _template_key, when=changes_numbers, after=_GATHERED_SECONDS, recount=False
    )


def _template_key(registry: Object) -> tuple[ObjectKey, ...]:
    name = name_of(registry)
    return () if name is None else (ObjectKey("", name),)


def _self_key(template: Object) -> tuple[ObjectKey, ...]:
    return (template.key,)
