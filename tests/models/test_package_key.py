from __future__ import annotations

from envgen.models.package_key import PackageKey
from tests.fakes.locks import make_record, make_wheel


def test_both_sources_may_have_a_name() -> None:
    conda, pypi = make_record("tensorflow").key, make_wheel("tensorflow").key
    assert (str(conda), f"{pypi}") == ("conda:tensorflow", "pypi:tensorflow")
    assert conda != pypi


def test_keys_sort_by_source_and_then_by_name() -> None:
    keys = [PackageKey("pypi", "a"), PackageKey("conda", "b"), PackageKey("conda", "a-b"), PackageKey("conda", "a")]
    assert [str(key) for key in sorted(keys)] == ["conda:a", "conda:a-b", "conda:b", "pypi:a"]
    assert sorted(keys) == sorted(keys, key=str)  # as the texts sort that lock files and `--json` hold
