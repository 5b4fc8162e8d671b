"""Which changes of an object concern a reconciler.

In: a change. Out: whether to look. Predicates save runs, never memory, and must never hide a change
that matters: creation and removal always pass. Rules: controller-runtime `pkg/predicate`
(GenerationChanged or LabelChanged or AnnotationChanged), framework 1.8 Q2 to Q5: a kind without
`metadata.generation` counts as changed, and so does an object of another uid.
"""

from registry_operator.runtime.change import Change, Removed


def intent_changed(change: Change) -> bool:
    """Whether anything but the status changed."""
    if isinstance(change, Removed) or change.old is None or change.resync:
        return True
    old, new = change.old.metadata, change.new.metadata
    if old.uid != new.uid or not new.generation:
        return True
    return (
        old.generation,
        old.raw_labels,
        old.raw_annotations,
        old.finalizers,
        old.raw_owner_references,
        old.deletion_timestamp,
    ) != (
        new.generation,
        new.raw_labels,
        new.raw_annotations,
        new.finalizers,
        new.raw_owner_references,
        new.deletion_timestamp,
    )


def others_changed(change: Change) -> bool:
    """Whether the change is not the answer to our own write.

    For whoever made the write, and has nothing to learn from it.
    """
    return isinstance(change, Removed) or not change.own
