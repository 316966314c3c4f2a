"""Which memory is asked whether it grew: the processes' own, the VM's as a second witness, or the server's alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median

from profiles.figures import tree_rss_bytes
from profiles.growth_rules import SHORT, SWINGS, UNSTOPPED, Growth, judge_series
from profiles.run_folder import Sample
from profiles.sessions_served import Served

TREE, ANON, SERVER = "tree RSS", "VM anonymous", "server RSS"


def judged(samples: Sequence[Sample], served: Served, limit_bytes: float | None) -> tuple[Growth, str | None]:
    """Return what the memory says, and which memory was asked; None when none could be.

    That is the RSS of all processes, unless the VM's anonymous memory says otherwise. Children that come and
    go make both swing; then the server is asked alone, whose memory is its own.
    """
    tree, asked = _series(samples, served, tree_rss_bytes), TREE
    if not tree:  # as of a machine far away that only tells of itself
        tree, asked = _series(samples, served, lambda sample: sample.anon_bytes), ANON
    if not tree:
        return Growth("unknown", "no memory of the processes was measured"), None
    by_tree = judge_series(tree, limit_bytes)
    in_last_half = tree[-1][1] - served.by((tree[0][0] + tree[-1][0]) / 2)
    if in_last_half < served.fewest and by_tree.reason != SHORT:
        few = f"{served.over} in the last half: {in_last_half:.1f}, and {served.fewest:g} are needed"
        return Growth("unknown", few), None
    if asked == ANON:
        return by_tree, ANON
    if by_tree.word == "unknown":
        return _server_alone(samples, served, limit_bytes, by_tree)
    anon = _series(samples, served, lambda sample: sample.anon_bytes)
    if len(anon) < len(tree) / 2:
        return by_tree, TREE
    return _agreed(by_tree, judge_series(anon, limit_bytes)), f"{TREE} and {ANON}"


def _server_alone(
    samples: Sequence[Sample], served: Served, limit_bytes: float | None, by_tree: Growth
) -> tuple[Growth, str]:
    """Ask the server alone where nothing can be told of the whole; it stands only where its children come and go."""
    server = _series(samples, served, lambda sample: sample.server_rss_bytes)
    by_server = judge_series(server, limit_bytes)
    stands = by_tree.reason in (SWINGS, UNSTOPPED) and _come_and_go(samples)
    if by_server.word == "unknown" or (by_server.word != "leak" and not stands):
        return by_tree, TREE
    why = f"of the server alone, whose children come and go: {by_server.reason}"
    return replace(by_server, reason=why), SERVER


def _come_and_go(samples: Sequence[Sample]) -> bool:
    """Whether the children's memory falls back, in the last quarter, to what half of the time was more before.

    Children that pile up by more than they swing never do.
    """
    last_t = samples[0].t + 0.75 * (samples[-1].t - samples[0].t)
    known = [(sample.t, sample.children_rss_bytes) for sample in samples]
    before = [held for t, held in known if held is not None and t < last_t]
    last = [held for t, held in known if held is not None and t >= last_t]
    return bool(before and last) and min(last) <= median(before)


def _agreed(tree: Growth, anon: Growth) -> Growth:
    stands = ("flat", "plateau")
    if tree.word == "leak" and anon.word in stands:
        why = "the processes' RSS grows, the VM's anonymous memory does not: mapped files, or shared pages"
        return replace(tree, word="unknown", reason=why)
    if anon.word == "leak" and tree.word in stands:
        why = "the VM's anonymous memory grows, the processes' RSS does not: swapped out, or another process"
        return replace(tree, word="unknown", reason=why)
    return tree


def _series(
    samples: Sequence[Sample], served: Served, memory: Callable[[Sample], float | None]
) -> list[tuple[float, float, float]]:
    """What was held when so much was served; what was swapped out is held too, wherever swap is counted."""
    found = ((sample, memory(sample)) for sample in samples)
    return [(s.t, served.by(s.t), held + (s.swap_bytes or 0.0)) for s, held in found if held is not None]
