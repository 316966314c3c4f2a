"""`bench.md`: what a run of the suite found, made from `bench.json` alone."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from benchmarks.suite.noise import OURS
from benchmarks.suite.result import Value, headline, held, why_not
from benchmarks.suite.tables import WIDTH, figures_tables, items, number, side_by_side, spread, table
from profiles.report_text import NONE

TITLE = "What each part costs beside its peers"
_HOLDS = {True: "held", False: "**not held**", None: "not told"}


def markdown(value: Value, pictures: Sequence[str] = ()) -> str:
    """Return the page; `pictures` are the stems of those that lie beside it, `overview` and names of cases."""
    cases: Sequence[Value] = value["cases"]
    parts = [f"# {TITLE}", *_warnings(value), _overview(cases)]
    if "overview" in pictures:
        parts.append(_picture("overview", "Ours over each peer's, with the range of the rounds"))
    parts += ["## How it was measured", _measured(value), items(_conditions(value))]
    for case in cases:
        parts += _case(case, pictures)
    parts += ["## How quiet the machine was", items(_QUIET), _quiet(cases)]
    parts.append("Made from [bench.json](bench.json), which has every value of every round.")
    return "\n\n".join(parts) + "\n"


_QUIET = (
    (
        "*Others*: of the busiest core, while only watched, before / after the case; between them what other programs "
        "took of a core while it ran. *Stolen*: of the cores' working time while it ran, by the host."
    ),
    (
        "*Unevenly*: the slowest tenth of equal pieces of work against the middle one, before / after. *Together*: the "
        "same work by all cores at once against one alone; near 1, cores share no hardware."
    ),
)


def _warnings(value: Value) -> Iterator[str]:
    if reasons := why_not(value):
        yield "**Not for publishing: the machine was too noisy.**"
        yield items(reasons)
    if value["form"] != "full":
        yield "**The short form**: it shows that everything can be measured. Figures to quote are the full form's."
    if value["ended_at"] is None:
        yield "**Not finished**: what was measured until it was interrupted."
    if value["left_out"]:
        yield f"Left out: {', '.join(value['left_out'])}."


def _overview(cases: Sequence[Value]) -> str:
    """A row for each peer that a case's first ratio is taken to; how many promises hold stands in the first of them."""
    rows = []
    for case in cases:
        promises = [str(count or "") for count in held(case).values()]
        promises[1] = f"**{promises[1]}**" if promises[1] else ""
        ratios = headline(case)
        none = "not measured" if case["error"] is not None else "no peer"
        first = _against(ratios[0]) if ratios else ["", none, ""]
        rows.append([case["title"], *first, *promises])
        rows += [["", "", *_against(one)[1:], "", "", ""] for one in ratios[1:]]
    return table(["case", "ratio of", "over", "median", "held", "not held", "not told"], rows, numbers_from=3)


def _against(ratio: Value) -> list[str]:
    whose = "" if ratio["subject"].startswith(OURS) else f" of {ratio['subject']}"
    return [f"{ratio['quantity']}{whose}", ratio["peer"], number(ratio["median"])]


def _measured(value: Value) -> str:
    machine = value["machine"]
    programs = {**value["versions"], **{n: v for case in value["cases"] for n, v in case["versions"].items()}}
    programs_told = ", ".join(f"{name} {version}" for name, version in programs.items())
    told = (
        f"Begun {value['created_at']} by `{value['command']}` at commit {value['commit'] or 'unknown'}, the "
        f"{value['form']} form, on {machine['cpus']} cores ({machine['cpu_model'] or 'unknown model'}), "
        f"{machine['memory_mb']:,} MB, Linux {machine['kernel']}; {programs_told}."
    )
    return _wrapped(told)


def _conditions(value: Value) -> Iterator[str]:
    yield (
        "Subjects take turns, round after round. A figure is the median of its rounds, with the smallest and the "
        "largest; a ratio is taken within each round, and its median is told."
    )
    yield "Everything is on one machine and its loopback. Figures of another machine differ; ratios less so."
    yield from _other_conditions(value)


def _other_conditions(value: Value) -> Iterator[str]:
    """Cases that came from an earlier run have conditions of their own."""
    for case in value["cases"]:
        if case["began_at"] < value["created_at"]:
            when = f"{case['began_at']}, {case['form']} form, commit {case['commit']}"
            yield f"{case['title']}: from an earlier run, {when}."


def _case(case: Value, pictures: Sequence[str]) -> Iterator[str]:
    yield f"## {case['title']}"
    if case["error"] is not None:
        yield _wrapped(f"**Not measured**: {case['error']}")
    if case["name"] in pictures:
        yield _picture(case["name"], case["title"])
    if case["promises"]:
        yield items(map(_promise, case["promises"]))
    if case["figures"]:
        yield from figures_tables(case["figures"])
    if case["ratios"]:
        yield from _ratios(case["ratios"])
    if notes := [
        *case["notes"],
        *(f"Ended for it, as it was still running: {name}." for name in case["left_running"]),
    ]:
        yield items(notes)


def _promise(promise: Value) -> str:
    text, measured = (promise[part].rstrip(".") for part in ("text", "measured"))
    return f"{_HOLDS[promise['holds']]}: {text}. Measured: {measured}."


def _ratios(ratios: Sequence[Value]) -> Iterator[str]:
    """A row for each quantity and setting, a column for each peer."""
    keys = list(dict.fromkeys((one["quantity"], one["setting"]) for one in ratios))
    cells = {(one["quantity"], one["setting"], _over(one)): spread(one) for one in ratios}
    columns = [
        [column, *(cells.get((*key, column), NONE) for key in keys)]
        for column in dict.fromkeys(map(_over, ratios))
    ]
    begin = [
        ["ratio of", *(quantity for quantity, _ in keys)],
        ["setting", *(setting for _, setting in keys)],
    ]
    return side_by_side(begin, columns)


def _over(one: Value) -> str:
    return f"over {one['peer']}" if one["subject"] == OURS else f"{one['subject']} over {one['peer']}"


def _quiet(cases: Sequence[Value]) -> str:
    rows = []
    for case in cases:
        before, after = case["noise"]["before"], case["noise"]["after"]
        took = (before["busy_share"], case["noise"]["neighbours_share"], after["busy_share"])
        others, unevenly = (_percents(shares) for shares in (took, (before["spread"], after["spread"])))
        stolen, together = f"{case['noise']['stolen_share']:.1%}", f"{before['together']:.2f}"
        rows.append([case["title"], others, stolen, unevenly, together, f"{case['took_s']:,.0f}"])
    return table(["case", "others", "stolen", "unevenly", "together", "took, s"], rows)


def _percents(shares: Iterable[float]) -> str:
    return " / ".join(f"{share:.1%}" for share in shares)


def _picture(stem: str, said: str) -> str:
    return f"![{said}]({stem}.svg)"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
