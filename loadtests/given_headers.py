"""Headers that each request to the server carries, such as a password: by environment, which no process list shows."""

import json
import os

VARIABLE = "OOMPROOF_LOAD_HEADERS"
"""A JSON object of names and values."""


class HeadersError(Exception):
    """The variable holds something else; the text is one line for the user, without its value."""


def given_headers() -> dict[str, str]:
    """Returns the headers; none unless given.

    Raises:
        HeadersError: it is no object of texts.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise HeadersError(
            f'{VARIABLE}: is no JSON object of texts. Give one such as {{"Authorization": "…"}}.'
        )
    return found
