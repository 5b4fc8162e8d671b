"""Deterministic simulation: whole operators in one process, in virtual time, under one seed.

In flow a plan (what users and trouble do, and when) and a seed; out flow the same steps of the same
tasks in the same order, each time. `SimulationLoop` chooses which ready task goes next, `Process`
is what can be killed or paused between any two awaits, `Network` carries requests through
`Weather`, `shrink` makes a failing plan small. Nothing in here knows what the operator is for.
"""
