"""What a reconcile answers: data, so that it can be shown, counted and compared.

In flows a decision; out flows one of four answers that the controller acts on. An exception is not
among them: it means "try again, later and later" and says that something is wrong with us or our
surroundings.

    Done      nothing left to do until something changes
    After     look again in `delay` seconds, however quiet the world is
    Blocked   waits for somebody else; the event that ends the waiting calls us
    Stalled   waits for the user; only a change of the object itself helps

Every owner has one for each reconciler in memory, so they are Structs that the garbage collector
does not look at.
"""

import msgspec


class Done(msgspec.Struct, frozen=True, gc=False):
    """The world is as desired."""


class After(msgspec.Struct, frozen=True, gc=False):
    """Look again in `delay` seconds. Not an error: the back-off of the key starts anew."""

    delay: float
    reason: str = ""
    message: str = ""


class Blocked(msgspec.Struct, frozen=True, gc=False):
    """Something others own is missing; `reason` is CamelCase, `message` says what and the cure."""

    reason: str
    message: str


class Stalled(msgspec.Struct, frozen=True, gc=False):
    """The specification cannot be met as it is; `message` names the field and the cure."""

    reason: str
    message: str


Outcome = Done | After | Blocked | Stalled
