"""Locust's side: ``locust -f loadtests/locustfile.py --host URL`` lets readers read."""

import ssl
from collections.abc import Callable
from functools import cache
from typing import Any

from gevent.event import Event  # type: ignore[import-untyped]  # gevent carries no types
from locust import FastHttpUser, events, task
from locust.env import Environment
from locust.event import EventHook
from locust.exception import StopUser
from locust.runners import MasterRunner, Runner, WorkerRunner

from loadtests import web_page
from loadtests.given_headers import given_headers
from loadtests.kept_alive import send_again_as_browsers_do
from loadtests.load import Load
from loadtests.master import MasterRun
from loadtests.options import add_options
from loadtests.run import Run, unwritable
from loadtests.single import SingleRun
from loadtests.watch import raise_open_files
from loadtests.worker import Worker, end_with_parent

INIT_WITHIN_S = 30.0


class _State:
    side: Run | Worker | None = None
    known = Event()

    @classmethod
    def load(cls) -> Load | None:
        return cls.side.load if cls.side is not None else None


@cache
def _tls(*, insecure: bool) -> ssl.SSLContext:
    """Return what all readers share: reading the certificates for each would take longer than their requests."""
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class ReaderUser(FastHttpUser):
    """A reader as Locust spawns it; the session decides what it does."""

    # Browsers speak HTTP/2 to the proxy in front of the application: requests that wait for timings hold
    # back no other. 256 is more than a session can have open.
    concurrency = 256
    default_headers = given_headers()

    def __init__(self, environment: Environment) -> None:
        if (load := _State.load()) is not None:
            # An answer may take as long as the session: timings wait for a starved aligner.
            self.network_timeout = max(60.0, load.options.session_wall_s)
            self.insecure = load.options.insecure
            self.ssl_context_factory = lambda: _tls(insecure=load.options.insecure)
        super().__init__(environment)
        send_again_as_browsers_do(self.client.client)

    @task
    def read(self) -> None:
        """Whole sessions, each as somebody else, and then rest until the run is over."""
        side, load = _State.side, _State.load()
        if side is None or load is None:
            raise StopUser
        try:
            for _ in range(load.options.sessions):
                load.read(self)
                self.client.client.close()  # whoever closes the tab closes its connections
        except OSError as error:
            side.fail(unwritable(error))
        except Exception as error:
            side.fail(f"a reader broke: {type(error).__name__}: {error}")
            raise
        finally:
            self.client.client.close()
        load.rest()
        raise StopUser


def _init(environment: Environment, runner: Runner, **_: Any) -> None:
    raise_open_files()
    environment.process_exit_code = 0  # failed requests are what we measure; the closing judges them
    if isinstance(runner, WorkerRunner):
        if environment.parsed_options is not None and environment.parsed_options.processes:
            end_with_parent()
        worker = Worker(environment, runner)
        _on(environment.events.report_to_master, worker.report)
        _listen(environment, worker)
        return
    if environment.web_ui is None and environment.parsed_options is not None:
        environment.parsed_options.only_summary = True
    side: Run
    if isinstance(runner, MasterRunner):
        side = MasterRun(environment, runner)
        _on(environment.events.worker_report, side.take)
    else:
        side = SingleRun(environment, runner)
    _listen(environment, side)
    _on(environment.events.quit, lambda **_: side.last_words())
    if environment.web_ui is not None:
        web_page.refuse_mistakes(environment, environment.web_ui)


def _listen(environment: Environment, side: Run | Worker) -> None:
    _State.side = side
    _State.known.set()
    _on(environment.events.test_stopping, lambda **_: side.stopping())
    _on(environment.events.test_stop, lambda **_: side.end())
    _on(environment.events.quitting, lambda **_: side.leave())


def _on(hook: EventHook, listener: Callable[..., None]) -> None:
    hook.add_listener(listener)  # type: ignore[no-untyped-call]  # Locust leaves it untyped


def _begin(**_: Any) -> None:
    """Begin a run as soon as there is who begins it.

    A worker that comes while readers read is told to begin as it connects, before Locust says ``init``: its readers
    would find nothing to read and end, and the run would wait for them for ever.
    """
    if _State.known.wait(INIT_WITHIN_S) and _State.side is not None:
        _State.side.begin()


_on(events.init_command_line_parser, add_options)
_on(events.test_start, _begin)
_on(events.init, _init)
