"""Test that a lock moves only what must move, and says why."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.fakes.projects import CHANNEL, Project, oldest
from tests.fakes.tiny_wheels import build_wheel
from tests.solvers.conftest import HAS_LIBMAMBA

SOLVERS = ["rattler", *(["libmamba"] if HAS_LIBMAMBA else [])]


def start_old(living: Project, *requirements: str) -> None:
    """Lock an environment when only the oldest of each package was there."""
    living.serve(oldest(CHANNEL))
    living.manifest(*requirements)
    living.lock()
    living.serve(CHANNEL)


@pytest.fixture(params=SOLVERS)
def solver(request: pytest.FixtureRequest) -> str:
    """Return each solver in turn."""
    return str(request.param)


def test_a_second_lock_solves_nothing(living: Project) -> None:
    start_old(living, "pandas", "six")
    again = living.lock()
    assert not again.environment["changed"]
    assert again.moved == {}


def test_an_edit_that_needs_nothing_moves_nothing(living: Project, solver: str) -> None:
    start_old(living, "pandas", "six")
    living.manifest("pandas>=2", "six")
    again = living.lock("--solver", solver)
    assert again.environment["changed"]
    assert again.moved == {}
    assert again.versions["pandas"] == "2.0.3"


def test_an_unrelated_package_moves_no_other(living: Project, solver: str) -> None:
    start_old(living, "pandas", "six")
    living.manifest("pandas", "six", "flask")
    again = living.lock("--solver", solver)
    assert again.moved == {"click": ("", "8.1.0"), "flask": ("", "3.0.0")}
    assert again.why["flask"] == "asked for: environments/demo/envgen.yaml:7: - flask"
    assert again.chain("click") == ["flask 3.0.0 needs `click >=8`", again.why["flask"]]


def test_an_update_moves_a_package_and_what_it_forces(living: Project, solver: str) -> None:
    start_old(living, "pandas", "six")
    again = living.lock("--update", "pandas", "--solver", solver)
    assert again.moved == {
        "pandas": ("2.0.3", "2.2.3"),
        "numpy": ("1.26.4", "2.1.3"),
        "libblas": ("3.9.0", "3.10.0"),
    }
    assert again.chain("libblas") == [
        "numpy 2.1.3 needs `libblas >=3.10`",
        "pandas 2.2.3 needs `numpy >=2.1`",
        "asked to be updated",
    ]


def test_upgrade_moves_everything(living: Project, solver: str) -> None:
    start_old(living, "pandas", "six")
    again = living.lock("--upgrade", "--solver", solver)
    assert set(again.moved) == {"pandas", "numpy", "libblas", "six", "python"}
    assert set(again.why.values()) == {"--upgrade takes the newest that fits"}


def test_a_removed_requirement_leaves_nothing(living: Project, solver: str) -> None:
    start_old(living, "pandas", "six", "flask")
    living.manifest("six")
    again = living.lock("--solver", solver)
    assert {name: to for name, (_, to) in again.moved.items()} == dict.fromkeys(
        ["click", "flask", "libblas", "numpy", "pandas"], ""
    )
    assert again.chain("libblas")[-1] == "nothing asks for it any more"
    assert set(again.versions) == {"pip", "python", "six"}


def test_a_stricter_line_is_the_reason(living: Project) -> None:
    start_old(living, "pandas", "six")
    living.manifest("pandas>=2.1", "six")
    again = living.lock()
    assert again.moved == {"pandas": ("2.0.3", "2.1.4")}  # 2.2.3 would move numpy too
    assert again.why["pandas"] == "asked for: environments/demo/envgen.yaml:5: - pandas>=2.1"


def test_a_lock_without_pip_gets_it_with_the_next_change(living: Project, solver: str) -> None:
    """conda and mamba add it to python anyway; a lock that was made before envgen knew stays as it is until then."""
    living.serve(CHANNEL.replace("pip 24.0 0: python >=3.8\n", ""))
    living.manifest("pandas")
    assert "pip" not in living.lock("--solver", solver).versions
    living.serve(CHANNEL)
    files = {path.name: path.read_bytes() for path in living.folder().iterdir()}
    assert not living.lock("--solver", solver).environment["changed"]
    assert {path.name: path.read_bytes() for path in living.folder().iterdir()} == files
    living.manifest("pandas", "six")
    again = living.lock("--solver", solver)
    assert again.moved == {"pip": ("", "24.0"), "six": ("", "1.17.0")}
    assert again.why["pip"] == "asked for: `pip` (conda and mamba add it to python)"


def test_an_unknown_name_is_refused(living: Project) -> None:
    start_old(living, "pandas")
    answer = living.run("lock", "--update", "pandsa")
    assert answer.code == 1
    assert "not locked, so it cannot be updated: `pandsa`" in answer.err
    assert "did you mean `pandas`?" in answer.err


def test_a_name_needs_to_be_in_one_of_the_environments(living: Project) -> None:
    start_old(living, "pandas")
    living.manifest("six", name="other")
    living.json("lock", "other")
    answer = living.json("lock", "--update", "pandas")
    changed = {each["name"]: each["platforms"]["osx-arm64"]["moved"] for each in answer["environments"]}
    assert [move["name"] for move in changed["demo"]] == ["libblas", "numpy", "pandas"]
    assert changed["other"] == []


class TestWheels:
    """The PyPI half keeps to the lock as the conda half does."""

    @pytest.fixture(autouse=True)
    def index(self, living: Project) -> None:
        for version in ("1.0", "2.0"):
            living.index.add(build_wheel("leaf", version))
        living.index.add(build_wheel("mid", "1.0", requires=["leaf", "numpy"]))
        living.index.add(build_wheel("mid", "2.0", requires=["leaf>=2", "numpy>=2.1"]))
        for version in ("1.26.4", "2.1.3"):
            living.index.add(build_wheel("numpy", version, tag="cp312-cp312-macosx_11_0_arm64"))
        living.index.add(build_wheel("plain", "1.0"))

    def locked(self, living: Project, *requirements: str) -> None:
        living.manifest("mid==1.0", "leaf==1.0", "numpy<2", *requirements)
        living.lock()

    def test_are_kept(self, living: Project) -> None:
        self.locked(living)
        living.manifest("mid", "leaf", "numpy", "plain")
        again = living.lock()
        assert again.moved == {"plain": ("", "1.0")}
        assert again.why["plain"] == "asked for: environments/demo/envgen.yaml:8: - plain"

    def test_are_updated_with_what_they_force_on_both_halves(self, living: Project) -> None:
        self.locked(living)
        living.manifest("mid", "leaf", "numpy")
        again = living.lock("--update", "mid")
        assert again.moved["mid"] == ("1.0", "2.0")
        assert again.moved["leaf"] == ("1.0", "2.0")
        assert again.moved["numpy"] == ("1.26.4", "2.1.3")
        assert again.chain("leaf") == ["mid 2.0 needs `leaf>=2`", "asked to be updated"]
        assert again.chain("numpy")[-1] == "asked to be updated"

    def test_leave_with_what_needed_them(self, living: Project) -> None:
        self.locked(living)
        living.manifest("numpy<2")
        again = living.lock()
        assert again.moved == {"leaf": ("1.0", ""), "mid": ("1.0", "")}
        assert again.why["mid"] == "nothing asks for it any more"
        assert again.chain("leaf") == ["mid, which needed it, is gone", "nothing asks for it any more"]

    def test_move_for_a_stricter_line(self, living: Project) -> None:
        self.locked(living)
        living.manifest("mid", "leaf>=2", "numpy<2")
        again = living.lock()
        assert again.moved == {"leaf": ("1.0", "2.0")}
        assert again.why["leaf"] == "asked for: environments/demo/envgen.yaml:6: - leaf>=2"

    def test_change_their_source_with_a_reason(self, living: Project) -> None:
        self.locked(living)
        living.manifest("mid==1.0", "leaf==1.0", "numpy<2", more="mapping: {numpy: null}\n")
        again = living.lock()
        assert again.moved["numpy"] == ("1.26.4", "1.26.4")
        assert again.why["numpy"].startswith("now from pypi: ")


def test_what_was_said_of_a_wheel_stays_with_it(living: Project) -> None:
    for version in ("1.0", "2.0"):
        living.index.add(build_wheel("leaf", version))
    living.index.add(build_wheel("mid", "1.0", requires=["leaf<2"]))
    living.manifest("leaf", "mid")
    notes = living.lock().platform["notes"]
    assert any(note.startswith("`leaf` 1.0 was chosen, not 2.0: ") for note in notes)
    living.manifest("leaf", "mid", "six")
    again = living.lock()
    assert again.moved == {"six": ("", "1.17.0")}
    assert again.platform["notes"] == notes
    files = (living.folder() / "conda-lock.yml").read_text()
    living.lock("--update", "six")
    assert (living.folder() / "conda-lock.yml").read_text() == files
    living.manifest("leaf")
    assert living.lock("--update", "leaf").platform["notes"] == []


class TestCutoff:
    """exclude-newer counts on both sides, to the end of its day in UTC."""

    DATED = """
    python 3.12.4 0 @1600000000000
    pip 24.0 0 @1600000000000: python
    six 1.15.0 0 @1690000000000: python
    six 1.16.0 0 @1696204799000: python
    six 1.17.0 0 @1696204801000: python
    six 1.18.0 0 @0: python
    """

    @pytest.fixture(autouse=True)
    def dated(self, living: Project) -> None:
        living.serve(self.DATED)
        for version, uploaded in (
            ("1.0", "2023-09-01T00:00:00Z"),
            ("2.0", "2023-10-01T23:59:59.500000Z"),
            ("3.0", "2023-10-02T00:00:00Z"),
        ):
            living.index.add(build_wheel("leaf", version), uploaded=uploaded)
        living.index.add(build_wheel("leaf", "4.0"), uploaded=None)

    @pytest.mark.parametrize(
        ("cutoff", "six", "leaf"),
        [
            pytest.param("2023-10-01", "1.16.0", "2.0", id="a-day"),
            pytest.param("2023-10-01T23:59:59Z", "1.16.0", "1.0", id="an-instant"),
            pytest.param("2023-10-02T10:00:00+10:00", "1.16.0", "2.0", id="a-zone"),
            pytest.param("2023-10-02T00:00:01Z", "1.17.0", "3.0", id="a-second-later"),
            pytest.param("2023-09-30", "1.15.0", "1.0", id="the-day-before"),
        ],
    )
    def test_what_came_later_is_left_out(self, living: Project, cutoff: str, six: str, leaf: str) -> None:
        living.manifest("six", "leaf", more=f"exclude-newer: {cutoff}\n")
        locked = living.lock()
        assert (locked.versions["six"], locked.versions["leaf"]) == (six, leaf)
        assert "1 record without a date was left out" in locked.environment["notes"]
        assert living.run("check").code == 0

    def test_is_recorded(self, living: Project) -> None:
        living.manifest("six", more="exclude-newer: 2023-10-01\n")
        living.lock()
        text = (living.folder() / "conda-lock.yml").read_text()
        assert "    exclude_newer: '2023-10-01'\n" in text
        assert "# Nothing that was published after 2023-10-01 is in it.\n" in text

    def test_a_later_one_moves_nothing_by_itself(self, living: Project) -> None:
        living.manifest("six", "leaf", more="exclude-newer: 2023-09-30\n")
        living.lock()
        living.manifest("six", "leaf", more="exclude-newer: 2024-01-01\n")
        assert living.lock().moved == {}
        assert living.lock("--update", "leaf").moved == {"leaf": ("1.0", "3.0")}

    def test_an_earlier_one_moves_what_came_later(self, living: Project) -> None:
        living.manifest("six", "leaf", more="exclude-newer: 2024-01-01\n")
        living.lock()
        living.manifest("six", "leaf", more="exclude-newer: 2023-09-30\n")
        again = living.lock()
        assert again.moved == {"leaf": ("3.0", "1.0"), "six": ("1.17.0", "1.15.0")}
        assert again.why == {
            "leaf": "exclude-newer leaves the newer one out",
            "six": "exclude-newer leaves it out",
        }


def test_a_note_that_nobody_can_use_is_not_told(living: Project) -> None:
    living.manifest("six>1.9")
    assert not [note for note in living.lock().platform["notes"] if "post1" in note]


def test_what_a_lock_notes_is_told_when_it_is_made(living: Project) -> None:
    (living.root / "project" / "setup.py").write_text("")
    living.manifest("six", more="local: [{path: .}]\n")
    said = "note: what your project `.` needs could not be read"
    assert said in living.run("lock").err
    again = living.run("lock")
    assert "nothing was solved" in again.out
    assert said not in again.err


def test_a_question_about_a_lock_loads_nothing_that_solves() -> None:
    code = "import sys; import envgen.commands.why, envgen.commands.export; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"asyncio", "zstandard", "envgen.planner", "envgen.repodata", "envgen.proof"}.isdisjoint(loaded)
