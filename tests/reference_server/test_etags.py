"""What a client says it has, against what there is."""

import pytest
from starlette.requests import Request

from reference_server.etags import has_it


def _request(if_none_match: str | None) -> Request:
    headers = [] if if_none_match is None else [(b"if-none-match", if_none_match.encode("latin-1"))]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize("sent", ['"a"', 'W/"a"', '"b", "a"', '"b",W/"a" ', "*"])
@pytest.mark.parametrize("etag", ['"a"', 'W/"a"'])
def test_a_tag_is_known_however_it_is_listed(sent: str, etag: str) -> None:
    """One of several, weak or strong on either side, or any at all."""
    assert has_it(_request(sent), etag)


@pytest.mark.parametrize("sent", [None, "", '"b"', "a", '"A"', '"a', 'w/"a"'])
def test_another_tag_or_none_is_not_known(sent: str | None) -> None:
    """The quotes belong to a tag, and its letters count."""
    assert not has_it(_request(sent), '"a"')
