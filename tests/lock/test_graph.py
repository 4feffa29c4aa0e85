"""Test what needs what in a lock."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from envgen.lock.graph import Chain, Graph, Link, providers_of, topological
from envgen.lock.groups import package_groups
from envgen.lock.model import PlatformLock
from envgen.models.record import Record
from tests.fakes.locks import conda_key, make_platform, make_record, make_wheel, pypi_key

_PROVIDED = {"numpy": ("numpy",), "pytorch": ("torch",), "pytorch-cpu": ("torch",), "python": ()}


def provided(record: Record) -> tuple[str, ...]:
    return _PROVIDED.get(record.name, ())


def both_halves() -> PlatformLock:
    return make_platform(
        [
            make_record("python", depends=["__osx >=11.0", "zlib"]),
            make_record("zlib"),
            make_record("numpy", depends=["python >=3.12", "python * *_cpython", "absent"]),
            make_record("pandas", depends=["numpy >=1.26", "python"]),
            make_record("pytorch", depends=["numpy"]),
            make_record("pytorch-cpu", depends=["pytorch"]),
        ],
        [
            make_wheel("trainer", requires=["torch>=2", "numpy<3", "nothing-has-this"]),
            make_wheel("plugin", requires=["Trainer[x]>=1"]),
        ],
    )


def graph() -> Graph:
    return Graph.of(both_halves(), provided)


def test_links_cross_the_halves_and_leave_out_what_is_not_locked() -> None:
    links = graph().links
    assert links[pypi_key("plugin")] == (Link(key=pypi_key("trainer"), need="Trainer[x]>=1"),)
    assert [link.key for link in links[pypi_key("trainer")]] == [
        conda_key("numpy"),
        conda_key("pytorch"),
        conda_key("pytorch-cpu"),
    ]
    assert links[conda_key("numpy")] == (
        Link(key=conda_key("python"), need="python * *_cpython"),
        Link(key=conda_key("python"), need="python >=3.12"),
    )


def test_providers_are_found_by_distribution() -> None:
    assert providers_of(both_halves(), provided)["torch"] == [
        conda_key("pytorch"),
        conda_key("pytorch-cpu"),
    ]
    assert providers_of(both_halves(), provided)["trainer"] == [pypi_key("trainer")]


def test_needed_by_says_with_which_words() -> None:
    assert graph().needed_by(conda_key("numpy")) == (
        Link(key=conda_key("pandas"), need="numpy >=1.26"),
        Link(key=conda_key("pytorch"), need="numpy"),
        Link(key=pypi_key("trainer"), need="numpy<3"),
    )
    assert graph().needed_by(pypi_key("plugin")) == ()


def test_chains_are_the_shortest_from_each_root() -> None:
    roots = {
        pypi_key("plugin"): "plugin",
        conda_key("pandas"): "pandas>=2",
        conda_key("zlib"): "zlib",
        conda_key("gone"): "gone",
    }
    assert graph().chains(conda_key("numpy"), roots) == (
        (
            Link(key=conda_key("pandas"), need="pandas>=2"),
            Link(key=conda_key("numpy"), need="numpy >=1.26"),
        ),
        (
            Link(key=pypi_key("plugin"), need="plugin"),
            Link(key=pypi_key("trainer"), need="Trainer[x]>=1"),
            Link(key=conda_key("numpy"), need="numpy<3"),
        ),
    )


def test_a_root_leads_to_itself() -> None:
    assert graph().chains(conda_key("zlib"), {conda_key("zlib"): "zlib"}) == (
        (Link(key=conda_key("zlib"), need="zlib"),),
    )
    assert graph().chains(conda_key("gone"), {conda_key("gone"): "gone"}) == ()


def test_a_cycle_ends() -> None:
    lock = make_platform([make_record("a", depends=["b"]), make_record("b", depends=["a", "c"]), make_record("c")])
    cyclic = Graph.of(lock, provided)
    assert cyclic.reach([conda_key("a")]) == {
        conda_key("a"),
        conda_key("b"),
        conda_key("c"),
    }
    (chain,) = cyclic.chains(conda_key("c"), {conda_key("a"): "a"})
    assert [link.key for link in chain] == [
        conda_key("a"),
        conda_key("b"),
        conda_key("c"),
    ]


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef")), min_size=2))
def test_a_chain_exists_exactly_where_the_root_reaches(needs: dict[str, set[str]]) -> None:
    found = Graph.of(make_platform([make_record(name, depends=sorted(need)) for name, need in needs.items()]), provided)
    roots = {conda_key(name): name for name in needs}
    for key in roots:
        chains: tuple[Chain, ...] = found.chains(key, roots)
        assert {chain[0].key for chain in chains} == {root for root in roots if key in found.reach([root])}
        for chain in chains:
            for one, other in pairwise(chain):
                assert other in found.links[one.key]


def test_groups_are_those_that_reach_a_package_and_main_wins() -> None:
    roots = {
        conda_key("pandas"): ["main"],
        pypi_key("plugin"): ["dev", "docs"],
        conda_key("pytorch"): ["docs"],
    }
    assert package_groups(both_halves(), roots, distributions_of=provided) == {
        conda_key("pytorch"): ("dev", "docs"),
        conda_key("pytorch-cpu"): ("dev", "docs"),
        pypi_key("plugin"): ("dev", "docs"),
        pypi_key("trainer"): ("dev", "docs"),
    }


def test_without_groups_all_is_main() -> None:
    assert package_groups(both_halves(), {conda_key("pandas"): ["main"]}, distributions_of=provided) == {}
    assert package_groups(both_halves(), {}, distributions_of=provided) == {}


def test_dependencies_come_first() -> None:
    records = [
        make_record("app", depends=["python >=3.9", "zlib"]),
        make_record("python", depends=["zlib >=1", "__osx >=11"]),
        make_record("zlib"),
        make_record("alone"),
    ]
    assert [record.name for record in topological(records)] == ["alone", "zlib", "python", "app"]


def test_a_cycle_is_cut() -> None:
    records = [make_record("b", depends=["a"]), make_record("a", depends=["b"]), make_record("c", depends=["a"])]
    assert [record.name for record in topological(records)] == ["b", "a", "c"]


def test_a_long_chain_is_sorted() -> None:
    names = [f"p{number:04}" for number in range(3000)]
    records = [make_record(name, depends=names[place + 1 : place + 2]) for place, name in enumerate(names)]
    assert [record.name for record in topological(records)] == names[::-1]


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.sets(st.sampled_from("abcdefgh")), min_size=1))
def test_every_record_follows_what_it_needs(needs: dict[str, set[str]]) -> None:
    acyclic = {name: {need for need in wanted if need > name} for name, wanted in needs.items()}
    records = [make_record(name, depends=sorted(wanted)) for name, wanted in acyclic.items()]
    ordered = [record.name for record in topological(records)]
    assert sorted(ordered) == sorted(acyclic)
    for name, wanted in acyclic.items():
        assert all(ordered.index(need) < ordered.index(name) for need in wanted & acyclic.keys())
    assert [record.name for record in topological(records[::-1])] == ordered
