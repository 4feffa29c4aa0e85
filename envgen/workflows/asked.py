"""Diagnose whatever a call names: requirements, a file, an environment, or a command that was advised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from envgen.diagnosis.advice import Advised
from envgen.diagnosis.verdict import Diagnosis
from envgen.errors import ManifestError, UsageError
from envgen.manifest.model import load_manifest
from envgen.project.project import MANIFEST, Target, environment_names, open_environment
from envgen.project.services import DeferredPypi, Services
from envgen.pypi.http import Timeouts
from envgen.pypi.lookups import PypiLookups
from envgen.system.files import read_text
from envgen.workflows.advising import Advice, judge_advice
from envgen.workflows.cases import Case, case_of_environment, case_of_manifest, cases_of_requirements
from envgen.workflows.diagnosing import diagnose
from envgen.workflows.file_cases import case_of_file

if TYPE_CHECKING:
    from envgen.pypi.resolver import UvPypiSide

TRIAL_PATIENCE = 30.0  # seconds for one run of uv
_SUFFIXES = (".txt", ".yml", ".yaml", ".toml", ".in", ".lock")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Hold a call: what to diagnose, or the command to judge, and for which target; "" takes the default."""

    what: tuple[str, ...] = ()
    command: str = ""
    python: str = ""
    macos: str = ""
    accelerator: str = ""
    trials: bool = True

    @property
    def target(self) -> Target:
        """Give the target that is asked about."""
        return Target(python=self.python, macos=self.macos)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Hold the diagnoses of a call, one for each set of things that are asked for at once, and the judged commands."""

    diagnoses: tuple[Diagnosis, ...]
    advised: tuple[Advised, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether all that was asked for can be had, and every command may be followed."""
        return all(diagnosis.ok for diagnosis in self.diagnoses) and all(advised.ok for advised in self.advised)


def diagnose_all(services: Services, asking: Asking) -> Report:
    """Diagnose what a call names.

    Raises:
        EnvgenError: what it names cannot be read. What cannot be had is a verdict, not an error.
    """
    lookups = PypiLookups(
        cache=services.settings.cache_dir, environment=services.settings.environ, offline=services.options.offline
    )
    if asking.command:
        advice = judge_advice(asking.command, asking.target, asking.accelerator)
        cases = (*advice.cases, *(_cases(services, asking) if asking.what else ()))
    else:
        advice, cases = Advice(), _cases(services, asking)
    impatient = _impatient(services)
    diagnoses = tuple(diagnose(impatient, case, lookups, trials=asking.trials) for case in cases)
    return Report(diagnoses=diagnoses, advised=advice.advised, notes=advice.notes)


def _impatient(services: Services) -> Services:
    """Let a trial give a resolution up that a lock would wait for."""
    if services.pypi is None:
        return services

    def pypi() -> UvPypiSide:
        from envgen.pypi.resolver import UvPypiSide

        environment = services.settings.environ
        limits = replace(Timeouts.configured(environment), uv=TRIAL_PATIENCE)
        return UvPypiSide(
            cache=services.settings.cache_dir,
            environment=environment,
            offline=services.options.offline,
            timeouts=limits,
        )

    return replace(services, pypi=DeferredPypi(pypi))


def _cases(services: Services, asking: Asking) -> tuple[Case, ...]:
    """Tell files, environments and requirements apart; requirements are asked for at once."""
    if not asking.what:
        raise UsageError("nothing to diagnose", hint="give requirements, a file, or an environment's name")
    environments = environment_names(services.root)
    cases: list[Case] = []
    requirements: list[str] = []
    for text in asking.what:
        if text in environments:
            environment = open_environment(services.root, text)
            cases.append(case_of_environment(environment, asking.target, asking.accelerator))
        elif _is_file(services, text):
            cases.append(_case_of_file(services, text, asking))
        else:
            requirements.append(text)
    if requirements:
        cases += cases_of_requirements(requirements, asking.target, asking.accelerator)
    return tuple(cases)


def _is_file(services: Services, text: str) -> bool:
    """Tell whether a text names a file: one that is there, or one that could be nothing else."""
    path = services.settings.folder / text
    looks = text.lower().endswith(_SUFFIXES) or "/" in text.partition("@")[0]
    return looks or ("." in text and "\0" not in text and path.is_file())


def _case_of_file(services: Services, text: str, asking: Asking) -> Case:
    path = services.settings.folder / text
    if path.name != MANIFEST:
        return case_of_file(services, path, asking.target, asking.accelerator)
    content = read_text(path, error=ManifestError)
    return case_of_manifest(content, load_manifest(content, text), asking.target, asking.accelerator)
