"""Behaviours of reflectors, stores and informers that we decided against, each with the reason.

One part of the table of docs/conformance.md; the other part stands in declined.py.
"""

from typing import Final

from tests.conformance.origin import Declined, Origin

_LISTS: Final = (
    "Every list asks for the newest state, without a resourceVersion: a list at version 0 may go "
    "back in time after a restart (kubernetes/kubernetes#59848)"
)

READING: Final = (
    Declined(
        Origin(63, "reflector_test :: TestNewReflectorWithCustomBackoff", "R12"),
        "One policy of waiting serves all reflectors, so it is no parameter; the clock and the "
        "randomness are, and rows 62, 64 and 97 to 99 hold the policy.",
    ),
    Declined(
        Origin(67, "reflector_test :: TestReflectorResync", "R17"),
        "A resync tells subscribers once more what the store holds, outside of the reflector, and "
        "cannot fail: a handler that raises is counted (rows 115 and 124). So there is no error "
        "that could end a watch.",
    ),
    Declined(
        Origin(69, "reflector_test :: TestReflectorNotPaginatingNotConsistentReads", "R3"),
        f"{_LISTS}. So each list is consistent and may come in pages (row 68).",
    ),
    Declined(
        Origin(
            70,
            "reflector_test :: TestReflectorPaginatingNonConsistentReadsIfWatchCacheDisabled",
            "R3",
        ),
        f"{_LISTS}. So pages are asked for whether the server has a watch cache or not.",
    ),
    Declined(
        Origin(71, "reflector_test :: TestReflectorResyncWithResourceVersion", "R3"),
        f"{_LISTS}; since the watch cache answers consistent reads (KEP-2340), a list at the last "
        "known version would save the server nothing.",
    ),
    Declined(
        Origin(94, "reflector_watchlist_test :: TestInitialEventsEndBookmarkTicker", "R1"),
        "Waiting is state, not a line in the log every ten seconds: the cache names the kinds that "
        "are not in memory, the readiness probe fails, and the metric of the kind's informer says "
        "not synced.",
    ),
    Declined(
        Origin(107, "the_real_fifo_test :: TestRealFIFO_PopShouldUnblockWhenClosed", ""),
        "No queue lies between a watch and the store: changes are told by plain calls, so nobody "
        "blocks there. The queue that workers wait on is held by row 35.",
    ),
    Declined(
        Origin(
            117, "shared_informer_test :: TestListenerResyncPeriods / TestResyncCheckPeriod", "I8"
        ),
        "No handler has a resync period: a periodic resync hides lost events instead of not losing "
        "any. A resync is asked for once, is told to all as such, and a handler may pass it over.",
    ),
    Declined(
        Origin(
            123,
            "shared_informer_test :: TestAddOnStoppedSharedInformer / TestRemoveOnStoppedSharedInformer",
            "I8",
        ),
        "A store does not stop: it is memory that outlives its reflector. Registering then tells "
        "what is there, leaving is always allowed (row 121), so neither is an error.",
    ),
)
