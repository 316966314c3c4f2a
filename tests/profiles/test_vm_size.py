from pathlib import Path

import pytest

from profiles.errors import OomproofError
from profiles.vm_size import VmSize, fly_toml_here, parse_memory_mb, read_fly_toml


@pytest.mark.parametrize(
    ("value", "memory_mb"), [(4096, 4096), ("4096", 4096), ("4096mb", 4096), ("4GB", 4096), (" 512 MB ", 512)]
)
def test_a_size_is_read_in_every_form_that_fly_takes(value: object, memory_mb: int) -> None:
    """GIVEN a size as people write it THEN it is MiB."""
    assert parse_memory_mb(value) == memory_mb


@pytest.mark.parametrize("value", ["4 gigs", "", "-1", 0, 1.5, None])
def test_what_is_no_size_is_refused(value: object) -> None:
    """GIVEN something else THEN the message says what a size looks like."""
    with pytest.raises(ValueError, match="such as 4GB"):
        parse_memory_mb(value)


def test_the_projects_fly_toml_is_the_owners_vm() -> None:
    """The VM under test is the one that crashed: shared-cpu-2x, 4096 MB, an eighth of a core."""
    assert read_fly_toml(Path(__file__).parents[2] / "fly.toml") == VmSize(4096, 2, 0.125)


def test_memory_left_out_is_the_sizes_own(tmp_path: Path) -> None:
    """GIVEN no memory WHEN the size is shared-cpu-4x THEN it has Fly's 256 MB per vCPU."""
    path = tmp_path / "fly.toml"
    path.write_text('[[vm]]\nsize = "shared-cpu-4x"\n')
    assert read_fly_toml(path) == VmSize(1024, 4, 0.25)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("cpu_kind = 'shared'\ncpus = 2\nmemory = '4gb'", VmSize(4096, 2, 0.125)),
        ("cpu_kind = 'performance'\ncpus = 1", VmSize(2048, 1, 1.0)),
    ],
)
def test_kind_and_number_of_cpus_are_a_size_too(tmp_path: Path, text: str, size: VmSize) -> None:
    """GIVEN the form that names kind and number apart THEN it is the same size."""
    path = tmp_path / "fly.toml"
    path.write_text(f"[[vm]]\n{text}\n")
    assert read_fly_toml(path) == size


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", r"has no \[\[vm\]\]"),
        ("[[vm]]\nsize = 'huge'", "'huge' is not a Fly size"),
        ("[[vm]]\nsize = 'shared-cpu-2x'\nmemory = '4 gigs'", "vm.memory: '4 gigs'"),
        ("[[vm]", "not TOML"),
    ],
)
def test_a_mistake_in_fly_toml_names_file_and_value(tmp_path: Path, text: str, complaint: str) -> None:
    """GIVEN a fly.toml with a mistake THEN one line names the file and the value."""
    path = tmp_path / "fly.toml"
    path.write_text(text)
    with pytest.raises(OomproofError, match=complaint) as caught:
        read_fly_toml(path)
    assert str(path) in str(caught.value)


def test_where_no_fly_toml_is_the_projects_own_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a folder of somebody's own server THEN its fly.toml counts, and the project's where it has none."""
    monkeypatch.chdir(tmp_path)
    assert read_fly_toml(fly_toml_here()) == VmSize(4096, 2, 0.125)
    Path("fly.toml").write_text('[[vm]]\nsize = "shared-cpu-1x"\n')
    assert read_fly_toml(fly_toml_here()) == VmSize(256, 1, 0.0625)


def test_a_missing_fly_toml_says_the_way_out(tmp_path: Path) -> None:
    """GIVEN no fly.toml THEN the message says what to give."""
    with pytest.raises(OomproofError, match="--fly-toml FILE"):
        read_fly_toml(tmp_path / "fly.toml")
