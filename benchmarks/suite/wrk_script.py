"""The script that tells wrk what to ask: one path after the other; at the end it prints what was measured, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """\
local asked = {{
{asked}
}}
local requests, at = {{}}, 0
function init(arguments)
  for number, one in ipairs(asked) do
    one[2]["Host"] = wrk.headers["Host"]
    requests[number] = wrk.format("GET", one[1], one[2])
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\\n{{"requests": %.0f, "bytes": %.0f, "duration_us": %.0f, "p50_us": %.0f, "p99_us": %.0f, "refused": %.0f, ' ..
    '"connect": %.0f, "read": %.0f, "write": %.0f, "timeout": %.0f}}\\n',
    summary.requests, summary.bytes, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
"""


@dataclass(frozen=True)
class Request:
    """A GET: path and query, and headers beside `Host`."""

    path: str
    headers: Mapping[str, str]


def write_script(path: Path, requests: Sequence[Request]) -> None:
    """Write the script that asks for these, one after the other and then from the beginning."""
    asked = ",\n".join(f"  {{{_lua(one.path)}, {_lua_table(one.headers)}}}" for one in requests)
    path.write_text(_SCRIPT.format(asked=asked), encoding="utf-8")


def _lua(text: str) -> str:
    """Return a Lua string; of what JSON writes otherwise, nothing is in a path or a header."""
    return json.dumps(text)


def _lua_table(fields: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"[{_lua(name)}] = {_lua(value)}" for name, value in fields.items()) + "}"
