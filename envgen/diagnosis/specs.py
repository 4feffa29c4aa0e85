"""Judge match specs that a manifest takes from conda verbatim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from envgen.diagnosis.fix import Edit, Fix
from envgen.diagnosis.matters import Matter
from envgen.diagnosis.pythons import nearest_pythons
from envgen.diagnosis.standing import fits
from envgen.diagnosis.verdict import CondaStanding, PypiStanding, Question, Verdict
from envgen.knowledge.replacements import replacement_of
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import Platform
from envgen.models.record import Record

NOT_ASKED = PypiStanding(code="UNKNOWN", message="it is asked of conda alone")


def spec_verdict(question: Question, standing: CondaStanding, matter: Matter | None, place: int) -> Verdict:
    """Give the verdict on a spec that conda alone may serve."""
    return Verdict(
        requirement=question.text,
        root=question.text,
        chain=(question.name,),
        pypi=NOT_ASKED,
        conda=standing,
        ok=standing.available,
        source="conda" if standing.available else "none",
        line=question.line,
        key=question.key,
        fix=matter.fix_at(place) if matter and not standing.available else None,
    )


def spec_fixes(spec: MatchSpec, records: Sequence[Record], platform: Platform) -> tuple[Fix, ...]:
    """List ways out of a spec that no record of the channels meets on the target."""
    return tuple(_fixes(spec, records, platform))


def _fixes(spec: MatchSpec, records: Sequence[Record], platform: Platform) -> Iterator[Fix]:
    name = spec.name
    row = replacement_of(name, platform.subdir)
    if row:
        edit = Edit(dependencies=(row.replacement,)) if row.replacement else Edit()
        yield Fix(text=f"leave `{name}` out: {row.why}", edit=edit)
        return
    yield from (
        Fix(text=f'set `python: "{python}"`, which `{spec}` has builds for', edit=Edit(python=python, keeps=True))
        for python in nearest_pythons(platform)
        if any(spec.matches(record) and fits(record, replace(platform, python=python)) for record in records)
    )
    if any(fits(record, platform) for record in records) and spec.text != name:
        yield Fix(text=f"ask for `{name}` without a version or build", edit=Edit(conda=(name,)))
    if not records:
        yield Fix(text=f"ask for `{name}` by its name on PyPI", edit=Edit(dependencies=(name,)))
    yield Fix(text=f"leave `{name}` out", edit=Edit())
