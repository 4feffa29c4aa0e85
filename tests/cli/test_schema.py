"""Run `envgen schema`."""

from __future__ import annotations

import json

import jsonschema
import pytest

from envgen.manifest.templates import template_names, template_text
from envgen.manifest.yaml_parser import parse_tree
from tests.fakes.tiny_project import Project


def test_the_schema_is_one_and_the_same_with_json(project: Project) -> None:
    plain, as_json = project.run("schema"), project.run("schema", "--json")
    assert (plain.code, plain.err) == (0, "")
    assert plain.out == as_json.out
    jsonschema.Draft202012Validator.check_schema(json.loads(plain.out))


@pytest.mark.parametrize("name", template_names())
def test_the_templates_follow_it(project: Project, name: str) -> None:
    schema = json.loads(project.run("schema").out)
    data = parse_tree(template_text(name), f"{name}.yaml").data()
    jsonschema.validate(data, schema)


def test_what_it_forbids(project: Project) -> None:
    schema = json.loads(project.run("schema").out)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"name": "x", "frob": 1}, schema)
