"""Test the translation of whole requirements: name, version, marker and extras."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from envgen.errors import MappingError, SourceLine
from envgen.mapping.requirements import MappedRequirement, can_meet, map_requirements
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.requirement import Origin, Requirement
from envgen.models.wheel import WheelMetadata
from tests.fakes.memory_channel import LINUX, MAC, FakeOnlineMap, library, mapper, package, wanted

Metadata = Callable[[str, str], WheelMetadata | None]


def no_metadata(name: str, version: str) -> WheelMetadata | None:
    return None


def releases(*known: WheelMetadata) -> Metadata:
    kept = {(item.name, item.version): item for item in known}
    return lambda name, version: kept.get((name, version))


def translate(
    text: str, *records: Record, metadata: Metadata = no_metadata, platform: Platform = MAC
) -> MappedRequirement:
    return map_requirements([wanted(text)], mapper(*records), platform, metadata)[0]


CELERY = WheelMetadata(
    name="celery",
    version="5.4.0",
    requires_dist=("kombu>=5.3", "kombu[redis]>=5.3; extra == 'redis'", "tzdata>=2025; extra == 'redis'"),
    provides_extra=("redis",),
)
KOMBU = WheelMetadata(
    name="kombu",
    version="5.5",
    requires_dist=("redis!=4.5.5,<=5.2.1,>=4.5.2; extra == 'redis'", "kombu-lore; extra == 'redis'"),
    provides_extra=("redis",),
)


def test_a_requirement_becomes_a_match_spec() -> None:
    mapped = translate("Torch >=2,<3", package("pytorch", "2.5"))
    assert (mapped.source, mapped.conda, mapped.spec) == ("conda", "pytorch", "pytorch >=2,<3dev0")
    assert mapped.package == "pytorch"
    assert mapped.applies
    assert mapped.provenance == "table"


def test_the_answers_are_in_the_order_of_the_requirements() -> None:
    texts = ["scipy", "nowhere", "numpy<2", "numpy>=1"]
    mapped = map_requirements(
        [wanted(text) for text in texts], mapper(package("numpy"), package("scipy")), MAC, no_metadata
    )
    assert [str(item.requirement) for item in mapped] == texts
    assert [item.source for item in mapped] == ["conda", "pypi", "conda", "conda"]
    assert mapped[1].specs == ()
    assert mapped[1].spec == ""


def test_markers_are_evaluated_for_the_target() -> None:
    record = package("numpy")
    assert translate("numpy; sys_platform == 'darwin'", record).applies
    assert not translate("numpy; sys_platform == 'darwin'", record, platform=LINUX).applies
    assert not translate("numpy[all]; python_version < '3.9'", record).notes


def test_a_url_is_left_to_pypi() -> None:
    mapped = translate("numpy @ https://example.com/numpy-1.0-py3-none-any.whl", package("numpy"))
    assert (mapped.source, mapped.conda) == ("pypi", None)
    assert "URL" in mapped.why
    assert not mapped.lacking


def test_an_alternative_serves_where_the_best_has_no_such_version() -> None:
    records = [library("fastapi", "0.139.0", depends=["fastapi-core ==0.139.0"]), package("fastapi-core", "0.139.0")]
    records.append(package("fastapi", "0.100.0"))
    assert translate("fastapi", *records).conda == "fastapi-core"
    mapped = translate("fastapi==0.100.0", *records)
    assert (mapped.conda, mapped.spec) == ("fastapi", "fastapi ==0.100.0")
    assert "fastapi-core has no such version" in mapped.notes[0]
    assert translate("fastapi==9", *records).conda == "fastapi-core"


def test_the_bound_of_a_project_is_part_of_its_spec() -> None:
    record = package("pyqt", "5.15.11")
    assert translate("pyqt5", record).spec == "pyqt >=5,<6dev0"
    assert translate("pyqt5>=5.15", record).spec == "pyqt >=5.15,>=5,<6dev0"


def test_a_changed_meaning_is_noted() -> None:
    assert "also admits" in translate("numpy>1.7", package("numpy")).notes[0]


def test_every_line_that_cannot_be_expressed_is_named() -> None:
    lines = [SourceLine(file="r.txt", line=number, text=f"numpy==={number}x!") for number in (1, 2)]
    bad = [Requirement.parse("numpy===1x!", Origin(path="a", line=lines[0]))]
    bad.append(Requirement.parse("scipy===2x!", Origin(path="b", line=lines[1])))
    with pytest.raises(MappingError, match=r"numpy.*scipy") as caught:
        map_requirements([*bad, wanted("numpy")], mapper(package("numpy"), package("scipy")), MAC, no_metadata)
    assert caught.value.lines == tuple(lines)
    assert caught.value.hint


def test_an_output_named_with_the_extra_is_found() -> None:
    records = [package("rich", "14.0"), library("rich-with-jupyter", "14.0", depends=["rich ==14.0", "ipywidgets"])]
    mapped = translate("rich[jupyter]>=13", *records)
    assert [str(spec) for spec in mapped.specs] == ["rich >=13", "rich-with-jupyter"]
    assert (mapped.conda, mapped.package, mapped.notes) == ("rich", "rich-with-jupyter", ())


@pytest.mark.parametrize(("output", "found"), [("rich-with-jupyter", True), ("rich-jupyter", False)])
def test_only_an_output_named_with_its_extra_may_have_a_version_of_its_own(output: str, found: bool) -> None:
    mapped = translate("rich[jupyter]", package("rich", "14.0"), library(output, "2.0", depends=["rich"]))
    assert (mapped.package == output) is found


@pytest.mark.parametrize("output", ["rich-with-jupyter", "rich-jupyter"])
def test_what_does_not_depend_on_the_package_is_no_output_of_it(output: str) -> None:
    assert translate("rich[jupyter]", package("rich", "14.0"), library(output, "14.0")).package == "rich"


@pytest.mark.parametrize("extra", ["classic-control", "classic_control"])
def test_an_output_at_the_same_version_is_found_however_the_extra_is_spelt(extra: str) -> None:
    records = [package("gymnasium", "1.0"), library("gymnasium-classic_control", "1.0", depends=["gymnasium 1.0"])]
    assert translate(f"gymnasium[{extra}]", *records).package == "gymnasium-classic_control"


def test_an_output_may_be_named_after_the_project_and_not_after_its_package() -> None:
    records = [package("ray-core", "2.43"), package("ray-default", "2.43", depends=["ray-core 2.43 py312_0"])]
    assert translate("ray[default]", *records).spec == "ray-core, ray-default"


@pytest.mark.parametrize(
    "other",
    [
        library("work-plot", "2.0", depends=["work"]),
        library("work-plot", "1.0", depends=["numpy"]),
        package("work-plot", "1.0", depends=["work"]),
    ],
    ids=["another version", "does not depend on it", "a project of its own"],
)
def test_a_package_that_is_only_named_so_is_not_the_extra(other: Record) -> None:
    mapped = translate("work[plot]", package("work", "1.0"), other)
    assert mapped.spec == "work"
    assert "is not known" in mapped.notes[0]


def test_an_umbrella_that_has_the_extra_takes_the_place_of_the_bare_package() -> None:
    records = [library("fastapi", "0.139.0", depends=["fastapi-core ==0.139.0"]), package("fastapi-core", "0.139.0")]
    mapped = translate("fastapi[standard]>=0.100", *records)
    assert (mapped.conda, mapped.spec) == ("fastapi", "fastapi >=0.100")
    assert mapped.notes == ()


def test_an_umbrella_that_has_most_is_taken_and_the_rest_expanded() -> None:
    records = [library("fastapi", "0.139.0", depends=["fastapi-core ==0.139.0"]), package("fastapi-core", "0.139.0")]
    metadata = WheelMetadata(
        name="fastapi", version="0.139.0", requires_dist=("orjson>=3; extra == 'all'",), provides_extra=("all",)
    )
    mapped = translate("fastapi[all]", *records, package("orjson"), metadata=releases(metadata))
    assert mapped.spec == "fastapi, orjson >=3"


def test_a_package_of_the_table_that_the_channel_lacks_is_expanded_instead() -> None:
    metadata = WheelMetadata(
        name="requests", version="2.32", requires_dist=("PySocks>=1.5.6; extra == 'socks'",), provides_extra=("socks",)
    )
    assert translate("requests[socks]", package("requests", "2.32"), package("pysocks")).spec == "requests, pysocks"
    mapped = translate("requests[socks]", package("requests", "2.32"), metadata=releases(metadata))
    assert [str(item) for item in mapped.pypi_extra] == ["pysocks>=1.5.6"]


def test_a_kind_of_build_is_chosen_where_there_is_one() -> None:
    records = [package("jax"), package("jaxlib")]
    assert translate("jax[cuda12]", *records, platform=LINUX).spec == "jax, jaxlib=*=cuda12*"
    mapped = translate("jax[cuda12]", *records)
    assert mapped.spec == "jax"
    assert mapped.notes == ("`jax[cuda12]` is left out: there are no such builds for osx-arm64",)


def test_other_extras_are_expanded_from_the_metadata_of_what_conda_will_install() -> None:
    records = [package("celery", "5.4.0"), package("celery", "5.9", python=("python >=3.13,<3.14.0a0",))]
    records += [package("kombu", "5.5"), package("redis-py", "5.2"), package("python-tzdata", "2025.2")]
    mapped = translate("celery[redis]<6", *records, metadata=releases(CELERY, KOMBU))
    assert (mapped.source, mapped.conda) == ("conda", "celery")
    assert [str(spec) for spec in mapped.specs] == [
        "celery <6dev0",
        "kombu >=5.3",
        "redis-py >=4.5.2,<=5.2.1,!=4.5.5",
        "python-tzdata >=2025",
    ]
    assert [(item.text, item.marker) for item in mapped.pypi_extra] == [("kombu-lore", "")]
    assert mapped.pypi_extra[0].origin.path == "kombu[redis]"
    assert mapped.notes == ()


def test_extras_of_the_project_itself_are_followed_once() -> None:
    metadata = WheelMetadata(
        name="work",
        version="1.0",
        requires_dist=(
            "work[one,two]; extra == 'all'",
            "work[all]; extra == 'one'",
            "numpy; extra == 'one'",
            "numpy; extra == 'two'",
            "scipy; extra == 'two' and sys_platform == 'win32'",
            "pandas",
        ),
        provides_extra=("all", "one", "two"),
    )
    records = [package(name) for name in ("work", "numpy", "scipy", "pandas")]
    assert translate("work[all]", *records, metadata=releases(metadata)).spec == "work, numpy"


def test_projects_whose_extras_ask_for_each_other_come_to_an_end() -> None:
    one = WheelMetadata(name="one", version="1.0", requires_dist=("two[x]; extra == 'x'",), provides_extra=("x",))
    two = WheelMetadata(name="two", version="1.0", requires_dist=("one[x]; extra == 'x'",), provides_extra=("x",))
    mapped = translate("one[x]", package("one"), package("two"), metadata=releases(one, two))
    assert mapped.spec == "one, two"


def test_nothing_is_dropped_in_silence() -> None:
    unread = translate("celery[redis]", package("celery", "5.4.0"))
    assert unread.notes == (
        "`celery[redis]`: what the extra adds is not known: the metadata of celery 5.4.0 cannot be had",
    )
    unheard = translate("celery[rediss]", package("celery", "5.4.0"), metadata=releases(CELERY))
    assert unheard.notes == ("`celery[rediss]` is left out: celery 5.4.0 has no such extra",)
    without = translate("celery[redis]>=9", package("celery", "5.4.0"), metadata=releases(CELERY))
    assert "a release of celery cannot be had" in without.notes[0]
    broken = WheelMetadata(
        name="x",
        version="1.0",
        requires_dist=("not valid (; extra == 'y'", "pandas===a!; extra == 'y'"),
        provides_extra=("y",),
    )
    mapped = translate("x[y]", package("x"), package("pandas"), metadata=releases(broken))
    assert "a line of the metadata of x 1.0 is left out" in mapped.notes[0]
    assert "comes from PyPI: cannot express" in mapped.notes[1]
    assert [item.name for item in mapped.pypi_extra] == ["pandas"]


def test_notes_on_what_an_extra_adds_are_passed_on() -> None:
    metadata = WheelMetadata(name="x", version="1.0", requires_dist=("numpy>1.7; extra == 'y'",), provides_extra=("y",))
    (note,) = translate("x[y]", package("x"), package("numpy"), metadata=releases(metadata)).notes
    assert "also admits" in note


def test_what_an_extra_adds_may_be_unknown_in_a_part_of_a_channel() -> None:
    names = mapper(package("celery", "5.4.0"), complete=False, origin="starter index of 2026-08-01")
    mapped = map_requirements([wanted("celery[redis]")], names, MAC, releases(CELERY))[0]
    assert mapped.source == "unknown"
    assert mapped.why.startswith("`kombu[redis]>=5.3`, which celery[redis] adds: the starter index")


def test_near_misses_are_given_when_asked_for() -> None:
    names = mapper(package("scikit-learn"), overrides={"scikit-lerm": None})
    asked = [wanted("scikit-lern>=1"), wanted("scikit-learn"), wanted("scikit-lerm")]
    assert [item.suggestions for item in map_requirements(asked, names, MAC, no_metadata)] == [(), (), ()]
    found = map_requirements(asked, names, MAC, no_metadata, suggest=True)
    assert [item.suggestions[:1] for item in found] == [("scikit-learn",), (), ()]


@pytest.mark.parametrize(
    ("specs", "conda"),
    [
        ("rich", "rich"),
        ("rich, rich-jupyter", "rich-jupyter"),
        ("rich, ipywidgets", "rich"),
        ("rich, rich-jupyter, ipywidgets", "rich"),
    ],
)
def test_the_package_to_ask_for(specs: str, conda: str) -> None:
    parsed = tuple(map(MatchSpec.parse, specs.split(", ")))
    mapped = MappedRequirement(requirement=wanted("rich[jupyter]"), source="conda", conda="rich", specs=parsed)
    assert (mapped.package, mapped.spec) == (conda, specs)


def test_an_answer_of_the_plans_own() -> None:
    mapped = MappedRequirement.on_pypi(wanted("numpy"), why="because")
    assert (mapped.source, mapped.conda, mapped.why, mapped.package) == ("pypi", None, "because", None)


def test_the_online_map_reaches_requirements() -> None:
    names = mapper(package("conda-fresh"), online=FakeOnlineMap(known={"fresh": ("conda-fresh",)}))
    assert map_requirements([wanted("fresh~=1.2")], names, MAC, no_metadata)[0].spec == "conda-fresh >=1.2,1.*"


VERSIONS = ["0.9", "1.0", "1.1", "1.1.5", "1.2", "2.0", "2.0.1", "2.1", "3"]


@pytest.mark.parametrize(
    ("wanted", "spec", "expected"),
    [
        (">=2", "numpy", True),
        (">=2", "numpy *", True),
        (">=2", "numpy >=1.21,<3", True),
        (">=2", "numpy >=1.21,<2.0a0", False),
        (">=2", "numpy <2", False),
        (">=2", "numpy <=2", True),
        (">2", "numpy <=2", False),
        (">=2", "numpy 1.*", False),
        (">=2", "numpy 2.*", True),
        (">=2", "numpy >=1,<2|>=3", True),
        (">=2", "numpy 1.26.4 py312_0", False),
        ("==1.26.4", "numpy 1.26.4 py312_0", True),
        ("<2", "numpy >=2.0a0", False),
        ("<2", "numpy >=1.99", True),
        ("!=1.0", "numpy ==1.0", False),
        ("!=1.0", "numpy !=1.0", True),
        ("~=1.4", "numpy >=1.5,<1.6", True),
        ("~=1.4", "numpy >=2", False),
        ("==2.15.*", "numpy >=2.15,<2.16.0a0", True),
        (">=3", "openssl >=1.1.1w,<1.1.2a", False),
        ("<1.0", "x >=0", True),
        ("<0.0.1", "x >=0.0.0.5", True),
        (">1.2", "x 1.2.*", True),
        (">1.2", "x <1.2.0.0.1", True),
        (">=1.2,==1.*", "x !=1.2.*", True),
    ],
)
def test_a_match_spec(wanted: str, spec: str, expected: bool) -> None:
    assert can_meet(SpecifierSet(wanted), MatchSpec.parse(spec)) is expected


@given(
    st.lists(st.tuples(st.sampled_from([">=", "<", "<=", ">", "!=", "=="]), st.sampled_from(VERSIONS)), max_size=2),
    st.lists(st.tuples(st.sampled_from([">=", "<", "<=", ">", "!=", "=="]), st.sampled_from(VERSIONS)), max_size=2),
)
def test_what_a_version_shows_is_found(first: list[tuple[str, str]], second: list[tuple[str, str]]) -> None:
    one, other = (SpecifierSet(",".join(map("".join, clauses))) for clauses in (first, second))
    seen = any(one.contains(version) and other.contains(version) for version in [*VERSIONS, "0.1", "1.15", "9"])
    assert not seen or can_meet(one, other)
    assert can_meet(one, other) == can_meet(other, one)
