"""Reasons that speak of the number of pods: who decides it, and how many drains may take.

A part of the one table in reasons.py.
"""

from controllers.registry.reason import Gravity, Reason

AVAILABILITY: tuple[Reason, ...] = (
    Reason(
        "BudgetInForce",
        "A PodDisruptionBudget says how many pods drains may take at a time.",
        gravity=Gravity.STATE,
    ),
    Reason(
        "BudgetNotNeeded",
        "There is no PodDisruptionBudget: it is turned off, or there is one pod at most.",
        gravity=Gravity.STATE,
    ),
    Reason(
        "BudgetBlocksDrains",
        "spec.disruptionBudget would keep nodes from being drained for ever. Drains take one pod "
        "at a time instead.",
        "Change spec.disruptionBudget or the number of pods as the message says.",
        gravity=Gravity.STALL,
    ),
    Reason(
        "Autoscaling",
        "A HorizontalPodAutoscaler decides the number of pods.",
        gravity=Gravity.STATE,
    ),
    Reason(
        "AutoscalerStarting",
        "The HorizontalPodAutoscaler is being made, or has not looked at its metrics yet.",
        gravity=Gravity.WAIT,
    ),
    Reason(
        "MetricsUnavailable",
        "The HorizontalPodAutoscaler can't read its metrics. The number of pods stays as it is.",
        "Install metrics-server, and set spec.resources.requests of what is measured.",
    ),
    Reason(
        "WaitingForAutoscaler",
        "The pods change once a HorizontalPodAutoscaler that is no longer wanted is gone.",
        gravity=Gravity.WAIT,
    ),
)
