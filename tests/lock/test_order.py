from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from envgen.lock.graph import topological
from tests.fakes.locks import make_record


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
