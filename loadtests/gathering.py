"""Where the rows, samples and counts of every load process of a run come together, and how they get there.

A worker hands them in with Locust's own reports to the master, every three seconds and once more when its
readers have stopped. A single process has them at once.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from loadtests import watch
from loadtests.request_log import CsvFile, RequestLog
from loadtests.saturation import Saturation
from loadtests.tally import Tally
from loadtests.watch import Sample

REPORT_KEY = "readers"
"""Under which a worker's report stands among the other data of Locust's."""


@dataclass(frozen=True)
class Report:
    """What a process hands in.

    Attributes:
        rows: lines of requests.csv since the report before.
        samples: rows of generator.csv since then.
        tally: its counts of the whole run.
        at_work: how many of its readers read.
        resting: how many have finished.
        last: whether all have stopped, and nothing follows.
    """

    rows: str
    samples: tuple[Sample, ...]
    tally: Tally
    at_work: int
    resting: int
    last: bool

    def to_json(self) -> dict[str, Any]:
        """Returns the report as it travels."""
        samples = [astuple(sample) for sample in self.samples]
        return {**vars(self), "samples": samples, "tally": self.tally.to_json()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Report":
        """Reads what ``to_json`` wrote."""
        samples = tuple(Sample(*sample) for sample in value["samples"])
        return cls(**{**value, "samples": samples, "tally": Tally.from_json(value["tally"])})


class Gathering:
    """The files of a run, and what its processes have handed in so far.

    Raises:
        OSError: a file cannot be opened, or written to; names it.
    """

    def __init__(self, requests_file: Path, generator_file: Path) -> None:
        self.requests = RequestLog(requests_file)
        self._generator = CsvFile(generator_file, watch.COLUMNS)
        self._saturation: dict[int, Saturation] = {}
        self._reports: dict[str, Report] = {}

    def take(self, process: str, report: Report) -> None:
        """Takes what a process hands in; ``process`` is any name of its own."""
        self._reports[process] = report
        self.requests.append(report.rows)
        for sample in report.samples:
            self.take_sample(sample)

    def take_sample(self, sample: Sample) -> None:
        """Takes one row of generator.csv."""
        self._generator.append(sample.line())
        self._saturation.setdefault(sample.process, Saturation(sample.process)).add(sample)

    def finished(self, readers: int) -> bool:
        """Says whether so many readers have begun and all have finished."""
        reports = self._reports.values()
        return sum(report.resting for report in reports) >= readers and not any(
            report.at_work for report in reports
        )

    def handed_in(self, processes: Iterable[str]) -> bool:
        """Says whether nothing more comes of these processes."""
        return all(process in self._reports and self._reports[process].last for process in processes)

    def tally(self) -> Tally:
        """Returns the counts of all processes together."""
        return Tally.together(report.tally for report in self._reports.values())

    def saturated(self) -> list[str]:
        """Returns why processes could not keep up; empty when all could."""
        return [reason for _, process in sorted(self._saturation.items()) for reason in process.reasons()]

    def close(self) -> None:
        """Closes the files."""
        self.requests.close()
        self._generator.close()
