from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from envgen.formats.conda_lock import read_conda_lock
from envgen.formats.explicit import read_explicit
from envgen.formats.fast_yaml import load, load_plain
from envgen.formats.registry import render
from envgen.lock.custom_metadata import normal_form
from envgen.lock.model import Lock
from tests.fakes.locks import locks, make_lock


def without_urls(lock: Lock) -> Lock:
    platforms = [
        replace(each, pypi=tuple(replace(wheel, wheel=replace(wheel.wheel, url="")) for wheel in each.pypi))
        for each in lock.platforms
    ]
    return replace(lock, platforms=tuple(platforms))


@given(locks())
def test_conda_lock_yml_gives_the_lock_back(lock: Lock) -> None:
    text = render(lock, ["conda-lock.yml"])["conda-lock.yml"]
    assert read_conda_lock(text, "conda-lock.yml") == normal_form(lock)


@given(locks())
def test_explicit_and_requirements_give_the_lock_back(lock: Lock) -> None:
    assert read_explicit(render(lock, ["explicit"])) == without_urls(normal_form(lock))


@given(locks())
def test_the_fast_reader_reads_what_the_yaml_library_reads(lock: Lock) -> None:
    text = render(lock, ["conda-lock.yml"])["conda-lock.yml"]
    assert load_plain(text) == load(f"--- \n{text}", "conda-lock.yml")


@given(locks())
def test_the_normal_form_is_a_fixed_point(lock: Lock) -> None:
    assert normal_form(normal_form(lock)) == normal_form(lock)


def test_every_part_of_a_lock_comes_back() -> None:
    lock = make_lock()
    files = render(lock, ["conda-lock.yml", "explicit"])
    assert read_conda_lock(files["conda-lock.yml"], "conda-lock.yml") == normal_form(lock)
    assert read_explicit(files) == without_urls(normal_form(lock))
