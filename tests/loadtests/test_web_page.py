import pytest
from locust.argument_parser import LocustArgumentParser

from loadtests.option_values import OptionError
from loadtests.options import NOT_ON_THE_PAGE, add_options
from loadtests.web_page import check_form


def check(**form: str) -> None:
    """Checks a form over the options of a command line that has none."""
    parser = LocustArgumentParser()
    add_options(parser)
    check_form(form, parser.parse_args([]))


def test_a_good_form_passes() -> None:
    """With Locust's own fields, flags as the page sends them, and files as they are."""
    check(
        user_count="5", spawn_rate="1", host="http://x", mode="cached", pregenerate="true", insecure="false"
    )
    check(requests_file="requests.csv")


@pytest.mark.parametrize(
    ("name", "value"), [("pace", "fast"), ("mode", ""), ("mix", "none"), ("blocks", "0")]
)
def test_a_mistake_is_told(name: str, value: str) -> None:
    """By the option's name, as on the command line."""
    with pytest.raises(OptionError, match=f"^--{name}: "):
        check(**{name: value})


@pytest.mark.parametrize("name", NOT_ON_THE_PAGE)
def test_what_is_not_on_the_page_cannot_be_set_there(name: str) -> None:
    """Any page that a browser visits can send a form to this machine."""
    with pytest.raises(OptionError, match="is chosen where Locust is started"):
        check(**{name: "/etc/passwd"})
