"""Read and write files, also while the process is killed."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envgen.errors import LockfileError, ManifestError, UsageError, WriteError
from envgen.system import files
from envgen.system.files import create_folder, exclusive, inside, read_text, recover

OLD = {"conda-lock.yml": "old lock\n", "environment.yml": "old environment\n", "extra.txt": "same\n"}
NEW = {"conda-lock.yml": "new lock\n", "environment.yml": "new environment\n", "extra.txt": "same\n"}


def holds(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "environments" / "ml"
    create_folder(made, OLD)
    return made


class TestReading:
    """Read texts."""

    def test_reads_utf8_and_drops_a_byte_order_mark(self, tmp_path: Path) -> None:
        path = tmp_path / "text"
        path.write_bytes(b"\xef\xbb\xbfna\xc3\xafve\r\n")
        assert read_text(path) == "naïve\r\n"

    def test_the_limit_is_inclusive(self, tmp_path: Path) -> None:
        path = tmp_path / "text"
        path.write_text("x" * 1000)
        assert len(read_text(path, limit=1000)) == 1000
        with pytest.raises(LockfileError, match="is larger than 999 bytes"):
            read_text(path, limit=999, error=LockfileError)

    @pytest.mark.parametrize(
        ("content", "message"),
        [(b"a\xffb", r"is not UTF-8 text \(byte 1 is 0xff\)"), (b"a\0b", "is a binary file")],
        ids=["latin", "binary"],
    )
    def test_refuses_what_is_no_text(self, tmp_path: Path, content: bytes, message: str) -> None:
        path = tmp_path / "text"
        path.write_bytes(content)
        with pytest.raises(ManifestError, match=message):
            read_text(path, error=ManifestError)

    def test_refuses_what_is_no_file(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "device").symlink_to("/dev/zero")
        for name in ("", "pipe", "device"):
            with pytest.raises(ManifestError, match="is not a regular file"):
                read_text(tmp_path / name, error=ManifestError)
        with pytest.raises(ManifestError, match=r"cannot read .*absent: no such file or directory"):
            read_text(tmp_path / "absent", error=ManifestError)


class TestInside:
    """Keep paths within a root."""

    @pytest.mark.parametrize("path", ["a", "a/../b", ".", "a/b/c", "loop-free"])
    def test_gives_paths_below(self, tmp_path: Path, path: str) -> None:
        assert inside(tmp_path, path) == (tmp_path / path).resolve()

    @pytest.mark.parametrize("path", ["..", "../x", "a/../../x", "/etc/passwd", "out", "out/x", "loop", "a\0b"])
    def test_refuses_paths_that_lead_out(self, tmp_path: Path, path: str) -> None:
        root = tmp_path / "root"
        root.mkdir()
        (root / "out").symlink_to(tmp_path)
        (root / "loop").symlink_to(root / "loop")
        with pytest.raises(UsageError, match=r"leads out of|not a path"):
            inside(root, path)

    def test_raises_what_it_is_told_to(self, tmp_path: Path) -> None:
        with pytest.raises(ManifestError, match=r"`\.\.` leads out of"):
            inside(tmp_path, "..", error=ManifestError)

    def test_follows_links_that_stay_inside(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to("real")
        assert inside(tmp_path, "link/x") == tmp_path.resolve() / "real" / "x"


class TestWriting:
    """Write sets of files."""

    def test_writes_what_changed_with_the_lock_last(self, folder: Path) -> None:
        with exclusive(folder) as writer:
            assert writer.write(NEW) == ("environment.yml", "conda-lock.yml")
            assert writer.write(NEW) == ()
        assert holds(folder) == NEW

    def test_leaves_other_files_alone(self, folder: Path) -> None:
        with exclusive(folder) as writer:
            writer.write({"binary": b"\x00\xff"})
        assert (folder / "binary").read_bytes() == b"\x00\xff"
        assert (folder / "extra.txt").read_text() == "same\n"

    def test_keeps_the_mode_of_a_file_and_heeds_the_umask(self, folder: Path) -> None:
        (folder / "environment.yml").chmod(0o600)
        before = os.umask(0o027)
        try:
            with exclusive(folder) as writer:
                writer.write({**NEW, "fresh": "x"})
        finally:
            os.umask(before)
        assert stat.S_IMODE((folder / "environment.yml").stat().st_mode) == 0o600
        assert stat.S_IMODE((folder / "fresh").stat().st_mode) == 0o640

    def test_replaces_a_link_instead_of_following_it(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").write_text("untouched")
        (folder / "link").symlink_to(tmp_path / "elsewhere")
        with exclusive(folder) as writer:
            writer.write({"link": "untouched"})
        assert not (folder / "link").is_symlink()

    @pytest.mark.parametrize(
        "name", ["", ".", "..", "a/b", "../a", "a\\b", "a\nb", "a\0b", ".envgen-x", ".envgen.commit"]
    )
    def test_refuses_what_is_no_file_name(self, folder: Path, name: str) -> None:
        with exclusive(folder) as writer, pytest.raises(WriteError, match="not a file name"):
            writer.write({**NEW, name: "x"})
        assert holds(folder) == OLD

    def test_refuses_to_replace_a_folder(self, folder: Path) -> None:
        (folder / "zzz").mkdir()
        with exclusive(folder) as writer, pytest.raises(WriteError, match="zzz: it is a folder"):
            writer.write({**NEW, "zzz": "x"})
        (folder / "zzz").rmdir()
        assert holds(folder) == OLD

    @pytest.mark.parametrize(
        ("number", "hint"),
        [(errno.ENOSPC, "free some space"), (errno.EROFS, "read-only"), (errno.EACCES, "make the folder writable")],
        ids=["full", "read-only", "forbidden"],
    )
    @pytest.mark.parametrize("step", ["_write_synced", "_commit"])
    def test_a_disk_that_refuses_changes_nothing(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, hint: str, step: str
    ) -> None:
        plain: Callable[..., None] = getattr(files, step)
        calls: list[object] = []

        def refuse(*arguments: object, **options: object) -> None:
            calls.append(arguments)
            if step == "_commit" or len(calls) == 2:
                raise OSError(number, os.strerror(number))
            plain(*arguments, **options)

        monkeypatch.setattr(files, step, refuse)
        with exclusive(folder) as writer, pytest.raises(WriteError, match=f"cannot write {folder}") as caught:
            writer.write(NEW)
        assert hint in caught.value.hint
        assert holds(folder) == OLD


class TestCreating:
    """Make new folders."""

    def test_makes_the_folder_and_its_parents(self, tmp_path: Path) -> None:
        create_folder(tmp_path / "environments" / "ml", NEW)
        assert holds(tmp_path / "environments" / "ml") == NEW
        assert [path.name for path in (tmp_path / "environments").iterdir()] == ["ml"]

    @pytest.mark.parametrize("kind", ["folder", "empty folder", "file", "dangling link"])
    def test_refuses_what_exists(self, tmp_path: Path, kind: str) -> None:
        target = tmp_path / "ml"
        if kind == "file":
            target.write_text("x")
        elif kind == "dangling link":
            target.symlink_to(tmp_path / "nowhere")
        else:
            target.mkdir()
            if kind == "folder":
                (target / "mine").write_text("x")
        with pytest.raises(WriteError, match="ml exists already") as caught:
            create_folder(target, NEW)
        assert "another name" in caught.value.hint
        assert [path.name for path in tmp_path.iterdir()] == ["ml"]

    def test_a_disk_that_refuses_leaves_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(path: Path) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(files, "_sync_folder", refuse)
        with pytest.raises(WriteError, match="no space left on device"):
            create_folder(tmp_path / "ml", NEW)
        assert list(tmp_path.iterdir()) == []

    def test_a_parent_that_is_a_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "environments").write_text("")
        with pytest.raises(WriteError, match="cannot write"):
            create_folder(tmp_path / "environments" / "ml", NEW)

    def test_what_a_killed_run_left_is_removed(self, tmp_path: Path) -> None:
        (tmp_path / ".envgen-ml.new").mkdir()
        (tmp_path / ".envgen-ml.new" / "half").write_text("x")
        create_folder(tmp_path / "ml", NEW)
        assert [path.name for path in tmp_path.iterdir()] == ["ml"]


class TestRecovering:
    """Clean up after killed runs."""

    def test_throws_away_what_was_not_committed(self, folder: Path) -> None:
        (folder / ".envgen-environment.yml.new").write_text("half")
        (folder / ".envgen.commit.new").write_text("half")
        with exclusive(folder):
            assert holds(folder) == OLD

    def test_finishes_what_was_committed(self, folder: Path) -> None:
        (folder / ".envgen-conda-lock.yml.new").write_text("new lock\n")
        (folder / ".envgen.commit").write_text("environment.yml\nconda-lock.yml")
        (folder / "environment.yml").write_text("new environment\n")
        recover(folder)
        assert holds(folder) == NEW

    def test_a_list_cannot_lead_out(self, folder: Path, tmp_path: Path) -> None:
        (folder / ".envgen-a").mkdir()
        (tmp_path / "environments" / "b.new").write_text("evil")
        (folder / ".envgen.commit").write_text("a/../../b\n../../b\n.envgen-x")
        recover(folder)
        (folder / ".envgen-a").rmdir()
        assert holds(folder) == OLD
        assert (tmp_path / "environments" / "b.new").exists()

    def test_a_folder_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(WriteError, match="no such file"), exclusive(tmp_path / "absent"):
            pytest.fail("was entered")


def hold(folder: str, seconds: float, ready: str) -> None:
    """Keep a folder for some time; run in a process of its own."""
    with exclusive(Path(folder)):
        Path(ready).touch()
        time.sleep(seconds)


class TestExclusive:
    """Keep other runs out."""

    def started(self, folder: Path, seconds: float) -> multiprocessing.process.BaseProcess:
        ready = folder.parent.parent / "ready"
        process = multiprocessing.get_context("spawn").Process(target=hold, args=(str(folder), seconds, str(ready)))
        process.start()
        while not ready.exists():
            time.sleep(0.01)
        return process

    def test_another_run_is_refused_and_a_kill_lets_go(self, folder: Path) -> None:
        process = self.started(folder, 60)
        try:
            with pytest.raises(WriteError, match="another run of envgen is at work in"), exclusive(folder):
                pytest.fail("was entered")
        finally:
            process.kill()
            process.join()
        with exclusive(folder) as writer:
            writer.write(NEW)

    def test_a_short_hold_is_waited_for(self, folder: Path) -> None:
        process = self.started(folder, 0.3)
        with exclusive(folder, timeout=10) as writer:
            writer.write(NEW)
        process.join()
        assert holds(folder) == NEW

    def test_holds_can_follow_each_other_and_survive_errors(self, folder: Path) -> None:
        with contextlib.suppress(LookupError), exclusive(folder):
            raise LookupError
        with exclusive(folder):
            pass

    @pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
    def test_a_file_system_without_locks_is_no_hindrance(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        monkeypatch.setattr("fcntl.flock", raiser(number))
        with exclusive(folder) as writer:
            assert writer.write(NEW)

    def test_other_refusals_are_told(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("fcntl.flock", raiser(errno.EIO))
        with pytest.raises(WriteError, match="cannot hold"), exclusive(folder):
            pytest.fail("was entered")


def raiser(number: int) -> Callable[[int, int], None]:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


names = st.sampled_from(["environment.yml", "conda-lock.yml", "explicit.osx-arm64.txt", "envgen.yaml"])
sets = st.dictionaries(names, st.text(alphabet="ab\n", max_size=5), min_size=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=sets, new=sets, at=st.integers(0, 30))
def test_a_stop_at_any_step_leaves_the_old_set_or_the_new(
    tmp_path_factory: pytest.TempPathFactory, old: dict[str, str], new: dict[str, str], at: int
) -> None:
    """Stop as a kill does, before the n-th call that changes the disk: files are whole, and at last so is the set."""
    folder = tmp_path_factory.mktemp("kill") / "ml"
    create_folder(folder, old)
    with pytest.MonkeyPatch.context() as patched, exclusive(folder) as writer:
        stop_at(patched, at)
        with contextlib.suppress(Killed):
            writer.write(new)
    wanted = {**old, **new}
    seen = {name: text for name, text in holds(folder).items() if not name.startswith(".envgen")}
    assert all(text in (old.get(name), wanted[name]) for name, text in seen.items())
    recover(folder)
    assert holds(folder) in (old, wanted)


class Killed(BaseException):
    """Stand for SIGKILL: nothing that envgen catches."""


def stop_at(patched: pytest.MonkeyPatch, count: int) -> None:
    left = [count]

    def limited(plain: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return plain(*arguments, **options)

        return call

    for owner, name in ((os, "fsync"), (Path, "rename"), (Path, "replace"), (Path, "unlink")):
        patched.setattr(owner, name, limited(getattr(owner, name)))


LOOP = """
import sys
from pathlib import Path
from envgen.system.files import exclusive
with exclusive(Path(sys.argv[1])) as writer:
    print("ready", flush=True)
    for number in range(10**9):
        writer.write({name: f"{number}\\n" * 200 for name in ("environment.yml", "conda-lock.yml", "explicit.txt")})
"""


@pytest.mark.slow
def test_a_real_kill_leaves_whole_files_and_one_set(tmp_path: Path) -> None:
    folder = tmp_path / "ml"
    create_folder(folder, dict.fromkeys(("environment.yml", "conda-lock.yml", "explicit.txt"), "0\n" * 200))
    for turn in range(8):
        process = subprocess.Popen([sys.executable, "-c", LOOP, str(folder)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.01 + turn * 0.007)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        for path in folder.glob("[!.]*"):
            lines = path.read_text().splitlines()
            assert (len(lines), len(set(lines))) == (200, 1)
        with exclusive(folder):
            assert len(set(holds(folder).values())) == 1
            assert len(holds(folder)) == 3
