"""Import the files that people publish, and lock those that can be locked."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.commands.import_file import ImportOptions, import_file
from tests import inputs_table

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not inputs_table.INPUTS.is_dir(), reason="the real files are not beside the checkout"),
]
FILES = inputs_table.inputs() if inputs_table.INPUTS.is_dir() else []
LOCKED = ["021", "027", "029", "035", "049", "063", "065", "069", "077", "081", "083", "085"]
REFUSED = {
    "015": "no-wheel",  # scikit-learn 1.0 has wheels for Intel Macs alone
    "023": "tensorflow-family",
    "061": "no-wheel",  # promise
    "075": "channel-unreachable",
}


def test_there_are_files() -> None:
    assert len(FILES) >= 43


@pytest.mark.parametrize("path", FILES, ids=[path.name[:3] for path in FILES])
def test_every_line_is_accounted_for_and_the_manifest_is_valid(tmp_path: Path, path: Path) -> None:
    imported = import_file(inputs_table.services_in(tmp_path), path, ImportOptions())
    assert inputs_table.unaccounted(path, imported) == []
    for account in imported.accounts:
        assert account.becomes or account.why or account.outcome == "heading", account
        if account.outcome in ("loosened", "replaced", "dropped", "decision", "pypi"):
            assert account.why, account


def test_apples_channel_and_metapackage_are_left_out_with_the_reason(tmp_path: Path) -> None:
    [path] = [path for path in FILES if path.name.startswith("011")]
    imported = import_file(inputs_table.services_in(tmp_path), path, ImportOptions())
    told = {account.line.text.strip(): account for account in imported.accounts}
    assert told["- apple"].outcome == told["- tensorflow-deps=2.7.0"].outcome == "dropped"
    assert "tensorflow-deps alone" in told["- apple"].why
    assert imported.manifest.python == "3.8"


def test_an_export_of_linux_loses_what_is_linuxs(tmp_path: Path) -> None:
    [path] = [path for path in FILES if path.name.startswith("061")]
    imported = import_file(inputs_table.services_in(tmp_path), path, ImportOptions())
    dropped = {
        account.line.text.strip().split("=")[0]: account.why for account in imported.accounts if not account.becomes
    }
    for name in ("- _libgcc_mutex", "- alsa-lib", "- libgcc-ng", "- ld_impl_linux-64"):
        assert dropped[name] == "it is a part of Linux, and macOS has its own"
    assert dropped["- cuda-cudart"] == "CUDA does not exist on a Mac"
    assert dropped["prefix: /projects/ssc/ahenry/conda/envs/wind_forecasting_env"].startswith("`prefix`")
    assert "numpy" in {item.requirement.name for item in imported.manifest.requirements()}


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("number", LOCKED)
def test_what_can_be_locked_is(number: str) -> None:
    [row] = inputs_table.table([number])
    assert (row.code, row.why) == ("", "")


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("number", REFUSED)
def test_what_cannot_be_locked_says_why(number: str) -> None:
    [row] = inputs_table.table([number])
    assert row.code == REFUSED[number]
    assert row.why
