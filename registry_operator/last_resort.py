"""The end of a process that does not come to its end.

In flow seconds; out flows, unless the process ends by itself before, its end with exit code 1 and a
traceback of each thread (no values, only places) on stderr. The timer is C's own: neither a blocked
event loop nor Python's interpreter lock holds it up.
"""

import faulthandler


def end_within(seconds: float) -> None:
    """See to it that this process has ended in so many seconds."""
    faulthandler.dump_traceback_later(seconds, exit=True)
