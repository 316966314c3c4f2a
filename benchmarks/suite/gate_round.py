"""One round of the gate's case: a rule, and how it judges gates that are drawn from the runs of that round."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.gate import Effect
from benchmarks.gate_runs import Measured, Pair
from benchmarks.suite.gate_rules import (
    Rule,
    by_gate,
    by_medians,
    changed,
    equal,
    part_of,
    share_regressed,
    smallest_found,
)
from benchmarks.suite.rounds import Rounds

GATE, MEDIANS, ONE = "oomproof gate", "medians of 6 runs a side", "one run a side"
GATES = tuple(Rule(f"{GATE}, {runs} runs a side", runs, by_gate) for runs in (6, 8, 10))
RULES = (*GATES, Rule(MEDIANS, 6, by_medians), Rule(ONE, 1, by_medians))
EFFECTS = {
    Effect("hold", 2): "2 MB more from the start",
    Effect("hold", 4): "4 MB more from the start",
    Effect("hold", 8): "8 MB more from the start",
    Effect("leak", 32): "32 KiB more a session",
    Effect("leak", 64): "64 KiB more a session",
    Effect("burst", 8): "8 MB more for half a second",
}
"""The regressions that were measured, and how their settings are called."""
EQUAL, RAISED, WHOLE = "equal states", "equal states, raised", "a whole gate"
ALARMS, FOUND, PER_MINUTE, MINUTES = "false alarms", "found", "found a minute", "minutes to a verdict"
DECISION, VERDICT = "CPU of a decision", "CPU of a run's verdict"
RISES = (
    ("smallest rise of RSS found", "MB", ("peak_tree_rss_mb", "steady_rss_mb", "peak_anon_mb"), 16.0),
    ("smallest growth a session found", "KiB", ("growth_bytes_per_session",), 128.0),
)
"""What is raised by arithmetic, and how far is looked."""


@dataclass(frozen=True)
class Round:
    """One rule in one round; rules of as many runs a side judge the same gates."""

    recorded: Measured
    rule: Rule
    number: int
    of: int
    into: Rounds

    def alarms(self, gates: int) -> None:
        """Add how often it says "regressed" of equal states, and what a decision costs."""
        sides = list(equal(self._draw(EQUAL), self._pairs(), self.rule.runs, gates))
        before_s = time.process_time()
        share = share_regressed(self.rule, sides, self.recorded.vm_memory_mb)
        self._add(EQUAL, DECISION, "us", 1e6 * (time.process_time() - before_s) / gates)
        self._add(EQUAL, ALARMS, "1", share)

    def power(self, gates: int, minutes: float) -> None:
        """Add how often it finds each regression, also for each minute that its runs take."""
        for effect, setting in EFFECTS.items():
            if effect in dict(self.recorded.effects):
                sides = changed(self._draw(setting), self.recorded, effect, self.rule.runs, gates)
                share = share_regressed(self.rule, sides, self.recorded.vm_memory_mb)
                self._add(setting, FOUND, "1", share)
                self._add(setting, PER_MINUTE, "1/min", share / minutes)

    def smallest(self, gates: int) -> None:
        """Add the smallest rises that it finds."""
        sides = list(equal(self._draw(RAISED), self._pairs(), self.rule.runs, gates))
        for quantity, unit, metrics, most in RISES:
            found = smallest_found(self.rule, sides, metrics, most, self.recorded.vm_memory_mb)
            self._add(RAISED, quantity, unit, found)

    def _draw(self, setting: str) -> random.Random:
        return random.Random(f"{self.number} {setting} {self.rule.runs}")

    def _pairs(self) -> Sequence[Pair]:
        return part_of(self.recorded.pairs, self.number, self.of)

    def _add(self, setting: str, quantity: str, unit: str, value: float) -> None:
        self.into.add(self.rule.name, setting, quantity, unit, value)
