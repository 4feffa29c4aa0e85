"""Run `envgen templates`."""

from __future__ import annotations

from envgen.manifest.templates import template_names
from tests.fakes.tiny_project import Project
from tests.json_shapes import TEXT, assert_shape, listing, record


def test_templates_are_listed_with_what_they_are_for(project: Project) -> None:
    ran = project.run("templates")
    assert (ran.code, ran.err) == (0, "")
    head, *rows = ran.out.splitlines()
    assert head.split() == ["TEMPLATE", "DESCRIPTION"]
    assert [row.split()[0] for row in rows] == list(template_names())
    assert all(len(row.split()) > 3 for row in rows)


def test_templates_as_json(project: Project) -> None:
    ran = project.run("templates", "--json")
    assert_shape(ran.json, record(templates=listing(record(name=TEXT, description=TEXT))))
    assert [template["name"] for template in ran.json["templates"]] == list(template_names())


def test_quiet_templates(project: Project) -> None:
    assert project.run("templates", "-q").out == project.run("templates").out
