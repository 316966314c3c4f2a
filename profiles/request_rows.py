"""The rows of `requests.csv`, packed: a soak of days has millions, and as objects they would need gigabytes."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, overload

_UNKNOWN = -(2**62)
"""Stands for a missing whole number; NaN for a missing number of seconds."""


class Request(NamedTuple):
    """One line of `requests.csv`: a request that ended, or what a listener heard. Wall seconds."""

    t: float
    reader: str = ""
    kind: str = ""
    status: int | None = None
    bytes: int | None = None
    latency_s: float | None = None
    late_s: float | None = None
    source: str = ""


class RequestRows(Sequence[Request]):
    """Rows in the order written, 52 bytes each instead of about 300; a row is made when it is asked for."""

    def __init__(self, rows: Iterable[Request] = ()) -> None:
        self._t, self._latency_s, self._late_s = array("d"), array("d"), array("d")
        self._status, self._bytes = array("q"), array("q")
        self._words, self._numbers = list[str](), dict[str, int]()
        self._reader, self._kind, self._source = array("i"), array("i"), array("i")
        for row in rows:
            self._append(row)

    def _append(self, row: Request) -> None:
        self._t.append(row.t)
        self._latency_s.append(math.nan if row.latency_s is None else row.latency_s)
        self._late_s.append(math.nan if row.late_s is None else row.late_s)
        self._status.append(_UNKNOWN if row.status is None else row.status)
        self._bytes.append(_UNKNOWN if row.bytes is None else row.bytes)
        self._reader.append(self._number(row.reader))
        self._kind.append(self._number(row.kind))
        self._source.append(self._number(row.source))

    def _number(self, word: str) -> int:
        number = self._numbers.setdefault(word, len(self._words))
        if number == len(self._words):
            self._words.append(word)
        return number

    def __len__(self) -> int:
        return len(self._t)

    @overload
    def __getitem__(self, index: int) -> Request: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Request]: ...
    def __getitem__(self, index: int | slice) -> Request | Sequence[Request]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        words = self._words
        return Request(
            self._t[index],
            words[self._reader[index]],
            words[self._kind[index]],
            _whole(self._status[index]),
            _whole(self._bytes[index]),
            _seconds(self._latency_s[index]),
            _seconds(self._late_s[index]),
            words[self._source[index]],
        )

    def __iter__(self) -> Iterator[Request]:
        words = self._words
        columns = (
            self._t,
            self._reader,
            self._kind,
            self._status,
            self._bytes,
            self._latency_s,
            self._late_s,
        )
        for t, reader, kind, status, size, latency_s, late_s, source in zip(
            *columns, self._source, strict=True
        ):
            yield Request(
                t,
                words[reader],
                words[kind],
                None if status == _UNKNOWN else status,
                None if size == _UNKNOWN else size,
                None if latency_s != latency_s else latency_s,  # noqa: PLR0124  # NaN, in the innermost loop
                None if late_s != late_s else late_s,  # noqa: PLR0124  # as above
                words[source],
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(_same, self, other))

    __hash__ = None  # type: ignore[assignment]  # as of any list


def _same(one: object, other: object) -> bool:
    return one == other


def _whole(value: int) -> int | None:
    return None if value == _UNKNOWN else value


def _seconds(value: float) -> float | None:
    return None if math.isnan(value) else value
