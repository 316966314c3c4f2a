"""Locust's web page: a mistake in its form is told there, before anything starts."""

import argparse
from collections.abc import Mapping

from flask import Response, jsonify, request
from locust.env import Environment
from locust.web import WebUI

from loadtests.option_values import OptionError
from loadtests.options import NOT_ON_THE_PAGE, parse_options


def refuse_mistakes(environment: Environment, page: WebUI) -> None:
    """Has the page answer a form with a mistake as Locust answers its own: with one line."""

    def check() -> Response | None:
        if request.method != "POST" or not request.path.endswith("/swarm"):
            return None
        try:
            check_form(request.form, environment.parsed_options or argparse.Namespace())
        except OptionError as error:
            return jsonify({"success": False, "message": str(error), "host": environment.host})
        return None

    assert page.app is not None
    page.app.before_request(check)


def check_form(form: Mapping[str, str], values: argparse.Namespace) -> None:
    """Returns when a run with the form's values over these can be tried.

    Raises:
        OptionError: a value is unusable, or is one that only the command line may name.
    """
    together = argparse.Namespace(**vars(values))
    for name, value in form.items():
        if name in NOT_ON_THE_PAGE and value != getattr(values, name):
            raise OptionError(
                f"{NOT_ON_THE_PAGE[name]}: is chosen where Locust is started, and not on its web page."
            )
        if hasattr(together, name):
            is_flag = isinstance(getattr(together, name), bool)
            setattr(together, name, value == "true" if is_flag else value)
    parse_options(together)
