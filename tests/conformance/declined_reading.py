"""Behaviours of reflectors, stores and informers that we decided against, each with the reason.

One part of the tables of docs/conformance.md; declined.py holds the other part, and merges both.
"""

from collections.abc import Mapping
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

READING_DIFFERENCES: Final[Mapping[int, str]] = {
    66: "Patience with a server that fails inside is five tries in a row, not a duration.",
    72: "No list names a version, so the first and the second ask for the same: the newest state.",
    73: "The whole list is asked for as of now, not as of the version of the first page.",
    74: "No list names a version that could be too large, so the same list is asked for again after "
    "a back-off; a watch is asked for again at its version, and listed after five tries.",
    75: "A watch is asked for with 240 to 300 s, and no option changes that.",
    81: "What is left out is fixed: managedFields and kubectl's last applied configuration.",
    93: "A new picture is always asked for as of now; no version is carried over.",
    98: "A watcher never gives up, so no back-off can close the stream.",
    103: "A list makes the store synced and is told in one step, so there is no moment between.",
    108: "Changes and additions keep the order of the list; only deletions come before.",
    113: "What is left out is fixed, and own writes leave it out too.",
    115: "The fault of a handler is logged and counted, and goes no further.",
    122: "Registering returns when the handler has heard all, so nothing tells that it has synced.",
    126: "An own write is kept until the watch has passed it; nothing expires by time or by number.",
    128: "A change carries the old and the new object, so nothing is remembered, and nothing expires.",
}
