"""The exception tree and its messages."""

import pytest

from megacurie.foundation import errors
from megacurie.foundation.errors import CardError, FitError, MegacurieError, did_you_mean


def test_every_exception_is_ours_and_in_the_drawn_tree() -> None:
    found = {name: item for name, item in vars(errors).items() if isinstance(item, type) and issubclass(item, Exception)}
    assert all(issubclass(item, MegacurieError) for item in found.values())
    assert errors.__doc__ is not None
    for name in found:
        assert name in errors.__doc__
    for name in errors.__doc__.split():
        assert not name.endswith("Error") or name in found


def test_a_card_error_carries_all_problems() -> None:
    error = CardError("my.toml", iter(["source: missing", "zone[0].shpe: not a key of a card. Did you mean 'shape'?"]))
    assert error.file == "my.toml"
    assert len(error.problems) == 2
    assert str(error) == "my.toml: source: missing\nmy.toml: zone[0].shpe: not a key of a card. Did you mean 'shape'?"


def test_a_fit_error_keeps_its_own_copy_of_the_last_state() -> None:
    state = {"dm2": 1.0}
    error = FitError("did not converge", state)
    state["dm2"] = 2.0
    assert error.state == {"dm2": 1.0}


@pytest.mark.parametrize(
    ("word", "known", "sentence"),
    [
        ("bahcal-1997", ("bahcall-1997", "semenov-2020"), "Did you mean 'bahcall-1997'?"),
        ("Bahcall-1997", ("bahcall-1997",), "Did you mean 'bahcall-1997'?"),
        ("mci", ("MCi", "d"), "Did you mean 'MCi'?"),
        ("51CR", ("51Cr", "37Ar"), "Did you mean '51Cr'?"),
        ("x", ("outer", "inner"), "Known: inner, outer."),
    ],
)
def test_the_nearest_word(word: str, known: tuple[str, ...], sentence: str) -> None:
    assert did_you_mean(word, known) == sentence
