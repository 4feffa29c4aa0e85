"""The search for a lock whose named requirements are as new as can be had."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from envgen.errors import PlanError, PypiUnreachableError, UnsatisfiableError
from envgen.lock.model import PlatformLock
from envgen.locking.attempt import Attempt, carried_along, foreseen
from envgen.locking.held_back import HELD_BACK
from envgen.locking.search import Search
from envgen.models.findings import Finding
from envgen.planner.plan import PlanInputs
from envgen.planner.rounds import plan
from envgen.proof.facts import fact_findings
from envgen.proof.prove import prove
from tests.fakes.scenarios import Scenario, scenario

# Of which python to take the newest: the solver would rather have that than the newest requirement.
NEWER_PYTHON = "@python 3.12.8\n@anchor 1.0 ! python <3.12.8\n"


def planned(given: Scenario, inputs: PlanInputs) -> PlatformLock:
    """Return the lock of a plan, before any proof."""
    made = plan(inputs, given.resolvers)
    return PlatformLock(
        platform=inputs.platform,
        solver=made.solver,
        repodata="",
        accelerator=made.accelerator,
        conda=made.conda,
        pypi=made.pypi,
        decisions=tuple(made.decisions),
    )


def search(
    given: Scenario, *, earlier: PlatformLock | None = None, allow_older: Iterable[str] = (), effort: int = 6
) -> Search:
    """Search with the parts of a scenario, as the lock of a platform does."""
    if earlier:
        given.conda.inner = replace(given.conda.inner, kept=earlier.conda)

    def attempt(inputs: PlanInputs) -> PlatformLock:
        lock = planned(given, inputs)
        of = given.resolvers.mapper.distributions_of
        return replace(lock, findings=(*prove(lock, distributions_of=of), *fact_findings(lock, of)))

    return Search(
        inputs=given.inputs,
        resolvers=given.resolvers,
        attempt=attempt,
        distributions_of=given.resolvers.mapper.distributions_of,
        progress=lambda _: None,
        earlier=earlier,
        allow_older=frozenset(allow_older),
        effort=effort,
    )


def locked(given: Scenario, **options: object) -> PlatformLock:
    return search(given, **options).run()  # type: ignore[arg-type]


def versions(lock: PlatformLock) -> dict[str, str]:
    """Return what is locked, without python's own; wheels have a star."""
    hidden = ("python", "pip", "setuptools", "anchor")
    conda = {record.name: record.version for record in lock.conda if record.name not in hidden}
    return conda | {f"{wheel.name}*": wheel.version for wheel in lock.pypi}


def held_back(lock: PlatformLock) -> list[Finding]:
    return [finding for finding in lock.findings if finding.code == HELD_BACK]


def day(year: int, month: int = 1) -> datetime:
    return datetime(year, month, 1, tzinfo=UTC)


def test_a_solvers_taste_costs_no_requirement_a_version() -> None:
    channel = NEWER_PYTHON + "zap 1.0\nzap 2.0 : anchor"
    assert versions(locked(scenario(channel, dependencies=["zap"]))) == {"zap": "2.0"}
    assert versions(locked(scenario(channel, dependencies=["zap"]), effort=0)) == {"zap": "1.0"}


def test_an_edit_moves_nothing_for_a_minor_version() -> None:
    channel = NEWER_PYTHON + "zap 1.0\nzap 1.1 : anchor\nother 1.0"
    before = locked(scenario(channel, dependencies=["zap"]), effort=0)
    again = scenario(channel, dependencies=["zap", "other"])
    assert versions(locked(again, earlier=before)) == {"zap": "1.0", "other": "1.0"}
    assert versions(locked(again)) == {"zap": "1.1", "other": "1.0"}


DATES = {
    "no dates": ({}, "lib*"),
    "a year apart": ({("lib", "1.0"): day(2024), ("lib", "2.0"): day(2025)}, "lib*"),
    "less than a year": ({("lib", "1.0"): day(2024), ("lib", "2.0"): day(2024, 6)}, "lib"),
}


def test_what_is_added_moves_nothing_that_is_named_and_kept() -> None:
    """It is taken from PyPI, where it goes with what is locked, or stays behind."""
    channel = "lib 1.0\nlib 2.0\nnew 1.0\nnew 2.0 ! lib >=2"
    before = locked(scenario("lib 1.0", dependencies=["lib"]))
    given = scenario(channel, dependencies=["lib", "new"])
    lock = locked(given, earlier=before)
    assert versions(lock) == {"lib": "1.0", "new": "1.0"}
    assert [finding.packages for finding in held_back(lock)] == [("lib",), ("new",)]
    assert versions(locked(given)) == {"lib": "2.0", "new": "2.0"}
    with_wheel = scenario(channel, "new 2.0", dependencies=["lib", "new"])
    assert versions(locked(with_wheel, earlier=before)) == {"lib": "1.0", "new*": "2.0"}


@pytest.mark.parametrize(("published", "expected"), DATES.values(), ids=DATES)
def test_conda_comes_first_among_equally_new_releases(
    published: dict[tuple[str, str], datetime], expected: str
) -> None:
    given = scenario("lib 1.0", "lib 1.0\nlib 2.0", dependencies=["lib"])
    given.pypi.published = published
    lock = locked(given)
    assert list(versions(lock)) == [expected]
    found = held_back(lock)
    assert [finding.severity for finding in found] == (["info"] if expected == "lib" else [])
    if found:
        assert found[0].message.endswith("and was taken: `lib` 1.0 (2.0)")
        assert found[0].packages == ("lib",)


def test_what_conflicts_on_conda_comes_from_pypi_where_it_can() -> None:
    channel = "left 1.0 : shared <2\nright 1.0 : shared >=2\nshared 1.0\nshared 2.0"
    lock = locked(scenario(channel, "right 1.0", dependencies=["left", "right"]))
    assert versions(lock) == {"left": "1.0", "shared": "1.0", "right*": "1.0"}
    assert [wheel.why for wheel in lock.pypi] == ["conda's right does not fit beside `left`"]


def test_what_conflicts_everywhere_is_refused_with_what_would_help() -> None:
    channel = "left 1.0 : shared <2\nright 1.0 : shared >=2\nright 0.9 : shared\nshared 1.0\nshared 2.0"
    given = scenario(channel, dependencies=["left", "right>=1"])
    with pytest.raises(UnsatisfiableError, match="cannot be met together") as caught:
        locked(given)
    assert "let `right >=1` allow right 0.9" in caught.value.hint


HOLDING = "lib 1.0 : shared <2\nlib 2.0 : shared >=2\nold 1.0 : shared <2\nshared 1.0\nshared 2.0"


def test_what_stays_behind_is_said_with_who_holds_it() -> None:
    lock = locked(scenario(HOLDING, dependencies=["lib", "old"]))
    assert versions(lock) == {"lib": "1.0", "old": "1.0", "shared": "1.0"}
    (found,) = held_back(lock)
    assert found.message == "`lib` 1.0 is locked, and 2.0 can be had alone: `old` does not go with it"
    assert found.hint == "write `lib>=2.0` and leave `old` out"
    assert (found.severity, found.packages) == ("warning", ("lib",))
    assert versions(locked(scenario(HOLDING, dependencies=["lib>=2.0"]))) == {"lib": "2.0", "shared": "2.0"}


def test_what_holds_another_back_comes_from_pypi_where_it_can() -> None:
    lock = locked(scenario(HOLDING, "old 1.0", dependencies=["lib", "old"]))
    assert versions(lock) == {"lib": "2.0", "shared": "2.0", "old*": "1.0"}
    assert [wheel.why for wheel in lock.pypi] == ["conda's old holds lib back to 1.0"]
    assert not held_back(lock)


def test_what_holds_several_back_is_moved_once_for_all() -> None:
    channel = "a 1.0\na 2.0 : shared >=2\nb 1.0\nb 2.0 : shared >=2\nhog 1.0 : shared <2\nshared 1.0\nshared 2.0"
    made = search(scenario(channel, "hog 1.0", dependencies=["a", "b", "hog"]))
    lock = made.run()
    assert versions(lock) == {"a": "2.0", "b": "2.0", "shared": "2.0", "hog*": "1.0"}
    assert [wheel.why for wheel in lock.pypi] == ["conda's hog holds a, b back"]
    assert made.effort == 4  # of six: the first plan and this one


def test_an_index_that_does_not_answer_is_said_once_and_costs_no_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    given = scenario("lib 1.0", "lib 2.0", dependencies=["lib"])

    def silent(*_: object) -> None:
        raise PypiUnreachableError("the package index does not answer")

    monkeypatch.setattr(given.pypi, "releases", silent)
    made = search(given)
    assert versions(made.run()) == {"lib": "1.0"}
    assert made.notes == ("what PyPI has newer is not known: the package index does not answer",)
    offline = search(scenario("lib 1.0", dependencies=["lib"], offline=True))
    assert (versions(offline.run()), offline.notes) == ({"lib": "1.0"}, ())


def test_what_is_listed_for_pypi_is_compared_with_pypi_alone() -> None:
    lock = locked(scenario("lib 3.0", "lib 1.0\nlib 2.0", only=["lib"]))
    assert (versions(lock), held_back(lock)) == ({"lib*": "2.0"}, [])


def test_a_need_that_stands_against_it_is_named() -> None:
    channel = "lib 1.0\nlib 2.0\nold 1.0 : lib <2"
    (found,) = held_back(locked(scenario(channel, dependencies=["lib", "old"])))
    assert "old 1.0 needs `lib <2`" in found.message


def test_a_resolver_that_steps_back_in_silence_is_asked_again() -> None:
    pypi = "aaa 2.1 : zzz<2\naaa 2.0\nzzz 1.0\nzzz 2.0"
    lock = locked(scenario("", pypi, dependencies=["aaa", "zzz"]))
    assert versions(lock) == {"aaa*": "2.0", "zzz*": "2.0"}


def test_nothing_newer_is_taken_for_what_falls_behind() -> None:
    pypi = "aaa 2.0 : zzz<2\naaa 1.0\nzzz 1.0\nzzz 2.0"
    lock = locked(scenario("", pypi, dependencies=["aaa", "zzz"]))
    assert versions(lock) == {"aaa*": "2.0", "zzz*": "1.0"}
    (found,) = held_back(lock)
    assert "aaa 2.0 needs `zzz<2`" in found.message


def test_two_newer_ones_are_no_reason_for_a_third_to_fall() -> None:
    pypi = "aaa 2.0 : zzz<2 | yyy<2\naaa 1.0\nzzz 1.0\nzzz 2.0 : yyy>=2\nyyy 1.0\nyyy 2.0"
    lock = locked(scenario("", pypi, dependencies=["aaa", "yyy", "zzz"]))
    assert versions(lock) == {"aaa*": "2.0", "yyy*": "1.0", "zzz*": "1.0"}


FALLING = "lib 1.0 : shared <2\nlib 2.0 : shared >=2\nold 1.0 : shared <2\nshared 1.0\nshared 2.0"


def test_a_requirement_falls_by_no_major_version_unasked() -> None:
    before = locked(scenario(FALLING, dependencies=["lib"]))
    after = scenario(FALLING, dependencies=["lib", "old"])
    with pytest.raises(PlanError, match=r"`lib` would fall from 2\.0 to 1\.0: `old` does not go with it") as caught:
        locked(after, earlier=before)
    assert caught.value.code == "older"
    assert caught.value.hint.endswith("--allow-older lib")
    assert [line.text for line in caught.value.lines] == ["  - lib"]
    assert versions(locked(after, earlier=before, allow_older=["lib"]))["lib"] == "1.0"


def test_a_bound_of_the_users_own_asks_for_the_fall() -> None:
    before = locked(scenario(FALLING, dependencies=["lib"]))
    assert versions(locked(scenario(FALLING, dependencies=["lib<2"]), earlier=before))["lib"] == "1.0"


def test_what_is_kept_says_so() -> None:
    before = locked(scenario("lib 1.0", dependencies=["lib"]))
    given = scenario("lib 1.0\nother 1.0", "lib 2.0", dependencies=["lib", "other"])
    (found,) = held_back(locked(given, earlier=before))
    assert found.message.endswith("2.0 can be had alone: it is kept from the lock before")
    assert found.hint == "`envgen lock --update lib` takes a newer one"


def test_what_may_crash_is_not_taken_for_a_newer_release() -> None:
    """PyPI's torch and conda's scikit-learn each bring an OpenMP runtime, and torchvision comes from torch's half."""
    channel = """
    pytorch 1.13.1
    pytorch 2.10.0
    torchvision 0.14.1 : pytorch <2
    scikit-learn 1.9.0 : libopenblas | llvm-openmp
    @libopenblas 1.0 : llvm-openmp
    @llvm-openmp 1.0
    """
    pypi = "torch 2.12.0\ntorchvision 0.27.0 : torch==2.12.0\nscikit-learn 1.9.0"
    made = search(scenario(channel, pypi, dependencies=["torch", "torchvision", "scikit-learn"]))
    lock = made.run()
    assert made.effort == 5  # the facts say so: no plan is made to find out
    assert (versions(lock)["pytorch"], versions(lock)["torchvision"]) == ("1.13.1", "0.14.1")
    said = {finding.packages[0]: finding.message for finding in held_back(lock)}
    assert "each brings an OpenMP runtime" in said["torch"]
    assert "each brings an OpenMP runtime" in said["torchvision"]
    alone = locked(scenario(channel, pypi, dependencies=["torch", "torchvision"]))
    assert versions(alone) == {"torch*": "2.12.0", "torchvision*": "0.27.0"}


def test_metal_is_found_for_the_tensorflow_that_is_brought() -> None:
    pypi = """
    mover 1.0 : tensorflow-macos<2.13
    tensorflow 2.19.1
    tensorflow-macos 2.12.0
    tensorflow-metal 1.1.0
    tensorflow-metal 1.2.0
    sys-platform-of-nobody 1.0
    """
    given = scenario("", pypi, dependencies=["mover"], accelerator="metal", python="3.11", broken=["tensorflow"])
    lock = locked(given)
    assert versions(lock) == {"mover*": "1.0", "tensorflow-macos*": "2.12.0", "tensorflow-metal*": "1.1.0"}


def test_what_tensorflow_holds_back_is_told_without_alarm() -> None:
    pypi = "tensorflow 2.19.1 : numpy<2\ntensorflow-metal 1.2.0\nnumpy 1.26.4\nnumpy 2.5.0"
    given = scenario("", pypi, dependencies=["tensorflow", "numpy"], accelerator="metal")
    made = search(given)
    (found,) = [finding for finding in held_back(made.run()) if finding.packages == ("numpy",)]
    assert "tensorflow 2.19.1 needs `numpy<2`" in found.message
    assert (found.severity, found.hint, made.effort) == ("info", "leave TensorFlow out to have it", 5)
    again = locked(given, earlier=made.run())  # an update of it would change nothing
    assert found in held_back(again)


class Attempts:
    """Stand in for plans: what is from PyPI is as the aims say."""

    def __init__(self, given: Scenario, findings: Mapping[frozenset[str], tuple[Finding, ...]]) -> None:
        self.given = given
        self.findings = findings
        self.asked: list[frozenset[str]] = []

    def __call__(self, inputs: PlanInputs) -> PlatformLock:
        moved = frozenset(name for name, aim in inputs.aims.items() if aim.from_pypi)
        self.asked.append(moved)
        return replace(planned(self.given, inputs), findings=self.findings.get(moved, ()))


CLASH = Finding(code="CLASH", severity="error", message="left and right", packages=("left", "right"))


def test_packages_that_do_not_work_together_come_from_pypi() -> None:
    given = scenario("left 1.0\nright 1.0", "left 1.0\nright 1.0", dependencies=["left", "right"])
    attempts = Attempts(given, {frozenset(): (CLASH,)})
    lock = replace_attempt(search(given), attempts).run()
    assert versions(lock) == {"left*": "1.0", "right*": "1.0"}
    assert {wheel.why for wheel in lock.pypi} == {"CLASH: left and right"}


def test_the_first_plans_faults_are_told_where_nothing_helps() -> None:
    given = scenario("left 1.0\nright 1.0", "left 1.0\nright 1.0", dependencies=["left", "right"])
    both = frozenset({"left", "right"})
    attempts = Attempts(given, {frozenset(): (CLASH,), both: (replace(CLASH, message="still"),)})
    lock = replace_attempt(search(given), attempts).run()
    assert lock.findings == (CLASH,)
    assert attempts.asked == [frozenset(), both]


def replace_attempt(made: Search, attempt: Attempts) -> Search:
    made.attempt = attempt
    return made


def test_what_needs_a_distribution_leaves_conda_with_it() -> None:
    channel = """
    app 1.0 : middle
    middle 1.0 : leaf
    leaf 1.0
    pytorch 2.0
    torchvision 0.15 : pytorch
    other 1.0
    """
    given = scenario(channel, dependencies=["app", "other", "torchvision"])
    lock = planned(given, given.inputs)
    of = given.resolvers.mapper.distributions_of
    roots = {"app": "app", "other": "other", "torchvision": "torchvision", "absent": "absent"}
    assert carried_along(lock, ["leaf"], roots, of) == {"leaf", "app"}
    assert carried_along(lock, ["torch"], roots, of) == {"torch", "torchvision"}
    assert carried_along(lock, ["nothing"], roots, of) == {"nothing"}
    assert carried_along(lock, [], roots, of) == frozenset()


@pytest.mark.parametrize(
    ("wheels", "kept", "codes"),
    [
        ("torch", "scikit-learn app", ["OPENMP-DOUBLE"]),
        ("torch", "app", []),  # what only scikit-learn needed is gone with it
        ("torch scikit-learn", "app", ["OPENMP-DOUBLE"]),
        ("app", "scikit-learn", []),
    ],
)
def test_what_facts_say_of_a_plan_that_is_not_made(wheels: str, kept: str, codes: Sequence[str]) -> None:
    channel = """
    pytorch 2.0
    scikit-learn 1.9.0 : libopenblas | llvm-openmp
    @libopenblas 1.0 : llvm-openmp
    @llvm-openmp 1.0
    app 1.0
    """
    given = scenario(channel, dependencies=["torch", "scikit-learn", "app"])
    best = Attempt(inputs=given.inputs, lock=planned(given, given.inputs), releases={})
    of = given.resolvers.mapper.distributions_of
    found = foreseen(best, dict.fromkeys(wheels.split(), "2.0"), kept.split(), of)
    assert [finding.code for finding in found] == codes
    known = replace(best, lock=replace(best.lock, findings=tuple(found)))
    assert foreseen(known, dict.fromkeys(wheels.split(), "2.0"), kept.split(), of) == []


def test_what_uv_finds_not_to_go_together_is_asked_for_at_any_version() -> None:
    """The newest left and the newest right exclude each other; a middle right is still newer than conda's."""
    pypi = """
    left 3.0 : right<3
    right 2.0
    right 3.0
    """
    lock = locked(scenario("left 1.0\nright 1.0", pypi, dependencies=["left", "right"]))
    assert versions(lock) == {"left*": "3.0", "right*": "2.0"}
