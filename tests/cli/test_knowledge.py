"""Test `envgen knowledge`."""

from __future__ import annotations

from envgen.knowledge.catalog import all_facts
from tests.fakes.tiny_project import Project
from tests.json_shapes import TEXT, assert_shape, listing, record

DAY = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}
FACTS = record(facts=listing(record(topic=TEXT, rule=TEXT, source=TEXT, verified=DAY)))


def test_every_fact_is_listed_with_its_source_and_day(project: Project) -> None:
    ran = project.run("knowledge", "--json")
    assert ran.code == 0
    assert_shape(ran.json, FACTS)
    assert len(ran.json["facts"]) == len(all_facts())


def test_a_topic(project: Project) -> None:
    ran = project.run("knowledge", "clashes", "--json")
    assert {fact["topic"] for fact in ran.json["facts"]} == {"clashes"}


def test_a_word_of_a_rule(project: Project) -> None:
    ran = project.run("knowledge", "libomp.dylib", "--json")
    assert {fact["topic"] for fact in ran.json["facts"]} >= {"hidden libraries"}


def test_text_is_grouped_by_topic(project: Project) -> None:
    out = project.run("knowledge", "tensorflow-metal").out
    assert out.startswith("TENSORFLOW-METAL\n- tensorflow-metal 1.2.0 loads with")
    assert "\n\nTENSORFLOW-METAL CHOICE\n" in out
    assert "; verified 2026-" in out


def test_what_nothing_is_known_about(project: Project) -> None:
    ran = project.run("knowledge", "xyzzy")
    assert ran.code == 1
    assert "the topics are" in ran.err
