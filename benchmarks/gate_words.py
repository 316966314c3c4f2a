"""What the page of the gate's operating characteristic says beside its figures."""

from collections.abc import Mapping

TITLE = "How sure the gate is"
PICTURE = "How often the gate says regressed, by the size of what was injected"
PICTURE_SAID = (
    "Bars: 95 %, at either end the wider of the interval of the gates drawn and that of the runs drawn again. "
    "At size 0 both sides are drawn from one pair of equal states."
)
WAYS: Mapping[str, str] = {
    "relabelled": "one pair's runs, base and head by lot",
    "pooled": "all runs at once, by lot",
    "stored": "base from one pair, head from another",
}
REQUIRED = (
    "Met means that the whole interval lies on the right side. A figure on the right side whose interval "
    "does not is not shown."
)
REAL = (
    "Each is a whole gate of {runs} runs a side, by turns, both sides the same tree. The interval is exact "
    "(Clopper and Pearson), two-sided, 95 %. The last column is its upper end alone: one-sided, 95 %."
)
WHOLE_GATES = (
    "{gates} of them are whole commands, oomproof gate --against HEAD, each with a build and stores of its "
    "own: {words}; {usual:.0f} s each (median), {most:.0f} s at most."
)
FALSE_ALARMS = (
    "Real runs of equal states, put together into gates again and again. Sides of one pair by lot stand for a "
    "gate that measures both states now, by turns: what drifts meets both sides alike. It is the honest figure "
    "for that gate, but where it is the lot that says which run is head's, an exact test keeps its alpha by "
    "construction: only the pairs as they were measured show that turns are as good as a lot. All runs by lot "
    "is no gate that anybody makes; it shows what drift does to the width of the intervals. Two pairs are a "
    "gate against a baseline measured at another time on the same machine: there drift looks like a change."
)
FALSE_ALARM_INTERVALS = (
    "The first interval is of the gates drawn (exact), and narrow because they are many. The second draws "
    "the pairs again: how much of the figure is chance of just these pairs. It knows nothing of an alarm "
    "that no pair gave. Budget: the share of gates in which a run of head did not survive."
)
TOO_FEW = "With 4 or 5 runs a side nothing can be proven among four tests, so such a gate never says pass."
POWER = (
    "Head is drawn from the runs of a server with a known regression: hold is MB held from the start, leak "
    "KiB more a session, burst MB held for half a second. Base is drawn from the runs of equal states "
    "measured nearest in time. Only runs that survived are drawn. The second interval draws the runs "
    "themselves again: they are few, so it is often the wider one; what none of them showed it cannot know. "
    "The last column is of gates as they came, whose runs are used once: too few to be a rate."
)
HALF = (
    "A proven rise counts from half the smallest effect on, so an effect of half of it is found in about "
    "every other gate, and a smaller one is passed on purpose."
)
BY_RUNS = "Share regressed."
FOUND = (
    "Hodges-Lehmann shift between an effect's runs and the runs of equal states nearest in time, with its 95 "
    "% interval."
)
SPREAD = (
    "{runs} runs of one state that survived. In the same minute: the correlation of what base and head measured "
    "side by side, each as it differs from its pair's mean. Where it is high, turns make the sides more alike than a "
    "lot does, and the gate errs less often than simulated."
)
SIGNS: Mapping[str, tuple[str, str]] = {
    "host_psi_some": ("waiting for memory", "%"),
    "chunk_p95_ms": ("chunks at p95", "ms"),
}
BUSY = (
    "The same runs in three equal parts, calmest first, by two signs of a busy machine: the highest share of 10 s in "
    "which some process waited for memory (PSI), and the latency that one chunk in twenty exceeded. Median ± standard "
    "deviation, and Spearman's rank correlation. What is busy at one time only correlates with all that changes with "
    "time."
)
LIMITS = (
    (
        "One machine, one scenario, one server, one day. Another machine has another noise: make "
        "gate-characteristic measures it there."
    ),
    "What is simulated rests on the runs named here: what none of them showed, no gate drawn of them shows.",
    "Injected memory is whole pages. A real regression of small objects may be spread otherwise.",
    "Several scenarios in one gate share alpha: each is then judged a little more strictly than here.",
    (
        "PSI counts waiting for memory. How busy the cores were is not in these runs; the latency of a chunk "
        "hints at it."
    ),
)
