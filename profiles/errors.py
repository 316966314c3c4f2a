"""The one family of errors that the command line turns into a line and an exit code."""

EXIT_OK = 0
EXIT_NOT_MET = 1
EXIT_USAGE = 2
EXIT_INCONCLUSIVE = 3
EXIT_INVALID = 4
EXIT_INTERRUPTED = 130


class OomproofError(Exception):
    """A mistake or a lack that a person can mend: one line with the value, the place and the way out."""

    exit_code = EXIT_USAGE


class RunError(OomproofError):
    """A part of a run broke, so that nothing valid was measured."""

    exit_code = EXIT_INVALID


class Terminated(BaseException):
    """SIGTERM arrived: unwind and clean up as after Ctrl-C."""
