"""Test that requirements.txt is read as pip reads it, and which markers may apply on Apple silicon."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.errors import ForeignFileError
from envgen.importers.items import Heading, Ignored, ImportedRequirement, Unsupported
from envgen.importers.requirements_txt import MAX_LINES, may_apply, read_requirements
from tests.importers.item_texts import files_of, lines_of, no_files, spans_of, unaccounted

LINES = [
    ("numpy", "pypi numpy"),
    ("  numpy >= 1.2 , < 2  # why", "pypi numpy >= 1.2 , < 2"),
    ("numpy#no comment", "unread not a requirement: `numpy#no comment`"),
    ("Foo_Bar[a,b]==1.0; python_version < '3.9'", "pypi Foo_Bar[a,b]==1.0; python_version < '3.9'"),
    ("numpy (>=1.2)", "pypi numpy (>=1.2)"),
    ("six==1.0 --hash=sha256:ab --hash sha256:cd", "pypi six==1.0"),
    ('six==1.0 --config-settings "a=b"', "pypi six==1.0"),
    ("numpy>=1.*", "pypi numpy>=1"),
    ("numpy=1.2", "unread not a requirement: `numpy=1.2`"),
    ("foo bar", "unread not a requirement: `foo bar`"),
    ("python>=3.9,<3.12", "python <3.12,>=3.9"),
    ("-e .", "project . editable"),
    ("-e.", "project . editable"),
    ("--editable=./lib[dev,Test_X]", "project ./lib[dev,test-x] editable"),
    ('--editable "./my lib"', "project ./my lib editable"),
    ("-e file:.", "project . editable"),
    ("-e file:", "project . editable"),
    ("./lib", "project ./lib"),
    ("../lib", "project ../lib"),
    ("lib/", "project lib/"),
    ("C:\\lib", "project C:\\lib"),
    ("./x-1.0-py3-none-any.whl", "link x==1.0 ./x-1.0-py3-none-any.whl"),
    ("vendor/foo-1.2.tar.gz", "link foo==1.2 vendor/foo-1.2.tar.gz"),
    ("foo-1.2.zip ; python_version > '3'", "link foo==1.2 foo-1.2.zip"),
    ("https://h/foo-1.2.zip; sys_platform == 'win32'", "aside foo"),
    ("https://h/foo-1.2.zip ;sys_platform == 'win32'", "aside foo"),
    ("git+https://h/a/b.git@main#egg=Foo_B", "link foo-b git+https://h/a/b.git@main#egg=Foo_B"),
    ("-e git+ssh://git@h/a/b.git", "link  git+ssh://git@h/a/b.git"),
    ("git+https://h/a/b.git", "link  git+https://h/a/b.git"),
    ("foo @ https://h/foo-1.0.zip", "link foo https://h/foo-1.0.zip"),
    ("foo @ file:///croot/foo_1/work", "link foo file:///croot/foo_1/work"),
    (
        "https://h/t_x-2.9.0-cp39-cp39-macosx_11_0_arm64.whl",
        "link t-x==2.9.0 https://h/t_x-2.9.0-cp39-cp39-macosx_11_0",
    ),
    ("https://[broken/x", "link  https://[broken/x"),
    ("--index-url https://u:${PW}@h/simple", "aside pip's option `--index-url`"),
    ("-i https://h/simple", "aside pip's option `-i`"),
    ("--extra-index-url=https://h/simple", "aside pip's option `--extra-index-url`"),
    ("-f https://h/links", "aside pip's option `-f`"),
    ("--pre", "aside pip's option `--pre`"),
    ("--no-binary :all:", "aside pip's option `--no-binary`"),
    ("--require-hashes", "aside pip's option `--require-hashes`"),
    ("--trusted-host h", "aside pip's option `--trusted-host`"),
    ("--global-option x", "aside pip's option `--global-option`"),
    ("--index-url", "unread `--index-url` lacks its value"),
    ("--frobnicate", "unread pip has no option `--frobnicate` for a file of requirements"),
    ("-", "unread not an option that pip knows"),
    ("-e", "unread `-e` names no project"),
    ("-r", "unread `-r` names no file"),
    ("-r https://h/r.txt", "unread a file behind a URL is not read"),
    ("-r absent.txt", "unread cannot read absent.txt"),
    ("--requirement absent.txt", "unread cannot read absent.txt"),
    ("--constraint absent.txt", "unread cannot read absent.txt"),
    ("a" * 1000, "pypi aaa"),
    ("a" * 1001, "unread too long for a requirement"),
    ("a; " + "(" * 20, "unread not a requirement"),
    ("a; " + "(" * 21, "unread too long for a requirement"),
    ("a; python_version > '3'" + " and python_version > '3'" * 30, "pypi a; python_version > '3'"),
]


@pytest.mark.parametrize(("line", "expected"), LINES, ids=[line[:40] for line, _ in LINES])
def test_one_line(line: str, expected: str) -> None:
    [(number, found)] = lines_of(read_requirements(f"\n{line}", "f", no_files))
    assert number == 2
    assert found.startswith(expected)


OPTIONS = {
    "envgen asks the index": "-i -f --index-url --pypi-url --extra-index-url --find-links --trusted-host",
    "envgen locks wheels alone": "--no-binary --only-binary --global-option --config-setting --config-settings "
    "--install-option",
    "it switches on a feature of pip's own": "--use-feature",
}
FLAGS = {
    "envgen asks the index": "--no-index --process-dependency-links",
    "envgen locks wheels alone": "--prefer-binary",
    "the lock holds the hash": "--require-hashes",
    "envgen takes a pre-release only": "--pre",
}


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        (option, value, why)
        for value, table in ((" x", OPTIONS), ("", FLAGS))
        for why, options in table.items()
        for option in options.split()
    ],
)
def test_every_option_of_pips_is_put_aside(option: str, value: str, why: str) -> None:
    [item] = read_requirements(f"{option}{value}", "f", no_files).items
    assert isinstance(item, Ignored)
    assert item.what == f"pip's option `{option}`"
    assert item.why.startswith(why)
    if value:
        [item] = read_requirements(option, "f", no_files).items
        assert isinstance(item, Unsupported)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("numpy=1.2", "pip wants two: `name==1.2`"),
        ("numpy[a] = 1.2", "pip wants two: `name==1.2`"),
        ("numpy==1.2=py312_0", "write it as in PEP 508, such as `pandas>=2`"),
        ("foo bar", "write it as in PEP 508, such as `pandas>=2`"),
    ],
)
def test_what_to_write_instead(line: str, hint: str) -> None:
    [item] = read_requirements(line, "f", no_files).items
    assert isinstance(item, Unsupported)
    assert item.hint == hint


def test_continuation_lines_are_one() -> None:
    text = "six==1.0 \\\n  --hash=sha256:ab \\\n  --hash=sha256:cd\nnumpy \\\n>=1\\\n"
    file = read_requirements(text, "f", no_files)
    first, second = file.items
    assert isinstance(first, ImportedRequirement)
    assert (first.span.line.line, first.span.last) == (1, 3)
    assert first.notes == ("its 2 hashes left out: the lock holds the hash of every file it names",)
    assert (second.span.line.line, second.span.last) == (4, 6)
    assert unaccounted(text, file) == []


def test_a_comment_ends_a_continuation() -> None:
    assert lines_of(read_requirements("numpy \\\n# comment\npandas\n", "f", no_files)) == [
        (1, "pypi numpy"),
        (3, "pypi pandas"),
    ]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        pytest.param("\\\n\nnumpy", [(1, 2, "heading "), (3, 3, "pypi numpy")], id="in front"),
        pytest.param("numpy\n\\", [(1, 1, "pypi numpy"), (2, 2, "heading ")], id="at the end"),
    ],
)
def test_a_continuation_of_nothing_has_its_lines(text: str, spans: list[tuple[int, int, str]]) -> None:
    assert spans_of(read_requirements(text, "f", no_files)) == spans


def test_what_is_left_out_of_a_line_is_told() -> None:
    [item] = read_requirements("six --global-option=x --hash=sha256:ab", "f", no_files).items
    assert isinstance(item, ImportedRequirement)
    assert item.notes == ("its hash and `--global-option` left out: the lock holds the hash of every file it names",)
    [item] = read_requirements("six --global-option=x", "f", no_files).items
    assert isinstance(item, ImportedRequirement)
    assert item.notes == ("`--global-option` left out: envgen locks wheels alone, and never builds",)


def test_variables_and_secrets() -> None:
    file = read_requirements("--index-url https://me:secret@h/${TEAM}/simple", "f", no_files)
    assert file.items[0].span.line.text == "--index-url https://***@h/${TEAM}/simple"


def test_included_files_follow_their_line() -> None:
    include = files_of({"b.txt": "b\n-c c.txt", "c.txt": "c<2\n-r d.txt", "d.txt": "d\n"})
    file = read_requirements("a\n-r b.txt\ne", "a.txt", include)
    assert lines_of(file) == [
        (1, "pypi a"),
        (2, "heading `b.txt` is included"),
        (1, "pypi b"),
        (2, "heading `c.txt` is included"),
        (1, "bound c<2"),
        (2, "heading `d.txt` is included"),
        (1, "bound d"),
        (3, "pypi e"),
    ]
    assert file.files == ("b.txt", "c.txt", "d.txt")


def test_a_loop_ends() -> None:
    file = read_requirements("-r b.txt", "a.txt", files_of({"a.txt": "-r b.txt", "b.txt": "b\n-r a.txt"}))
    assert lines_of(file)[-1] == (2, "unread a loop: a.txt -> b.txt -> a.txt")


def test_a_file_that_two_name_is_read_once() -> None:
    file = read_requirements("-r b.txt\n-r b.txt\n-c b.txt", "a.txt", files_of({"b.txt": "b"}))
    assert [text for _, text in lines_of(file)] == [
        "heading `b.txt` is included",
        "pypi b",
        "heading `b.txt` was included above",
        "heading `b.txt` is included",
        "bound b",
    ]


def test_depth_ends() -> None:
    texts = {f"{at}.txt": f"p{at}\n-r {at + 1}.txt" for at in range(101)}
    file = read_requirements("-r 0.txt", "a.txt", files_of(texts))
    assert lines_of(file)[-1] == (2, "unread included through more than 20 files")
    assert len([item for item in file.items if isinstance(item, ImportedRequirement)]) == 20


def test_breadth_ends() -> None:
    texts = {f"{at}.txt": f"p{at}" for at in range(200)}
    file = read_requirements("\n".join(f"-r {at}.txt" for at in range(200)), "a.txt", files_of(texts))
    assert len([item for item in file.items if isinstance(item, Unsupported)]) == 101
    assert len([item for item in file.items if isinstance(item, Heading)]) == 99


def test_a_file_of_many_lines_is_refused() -> None:
    with pytest.raises(ForeignFileError, match="more than 20,000"):
        read_requirements("a\n" * MAX_LINES, "f", no_files)


@pytest.mark.parametrize(
    ("text", "solved"),
    [
        pytest.param("".join(f"p{at}==1.{at}\n" for at in range(30)), True, id="a freeze"),
        pytest.param("".join(f"p{at}==1.{at}\n" for at in range(29)), False, id="few lines"),
        pytest.param("a\nb\nc\n" + "".join(f"p{at}==1.{at}\n" for at in range(27)), True, id="nine of ten"),
        pytest.param("a\nb\nc\nd\n" + "".join(f"p{at}==1.{at}\n" for at in range(27)), False, id="less than that"),
        pytest.param("".join(f"p{at}>=1.{at}\n" for at in range(50)), False, id="ranges"),
        pytest.param("".join(f"p{at}==1.{at}.*\n" for at in range(50)), False, id="series"),
        pytest.param("".join(f"p{at}\n" for at in range(50)), False, id="names"),
    ],
)
def test_a_freeze_is_told(text: str, solved: bool) -> None:
    assert read_requirements(text, "f", no_files).solved is solved


@given(st.text(alphabet=st.sampled_from("ab-= .#\\\n[]@:/$;,<>~!*'\"()rce09"), max_size=80))
def test_every_line_is_accounted_for_and_nothing_crashes(text: str) -> None:
    assert unaccounted(text, read_requirements(text, "f", no_files)) == []


def test_a_file_of_many_packages_is_refused() -> None:
    with pytest.raises(ForeignFileError, match="names 2,001 packages"):
        read_requirements("a\n" * 2001, "f", no_files)


@pytest.mark.parametrize(
    "marker",
    [
        "sys_platform == 'darwin'",
        "platform_machine == 'arm64' and platform_system == 'Darwin'",
        "python_version == '3.9'",
        "python_version >= '3.13'",
        "extra == 'x' or sys_platform == 'darwin'",
        "not a marker",
    ],
)
def test_may_apply(marker: str) -> None:
    assert may_apply(marker)


@pytest.mark.parametrize(
    "marker",
    [
        "sys_platform == 'linux'",
        "platform_system == 'Windows' and python_version == '3.13'",
        "platform_machine == 'x86_64'",
        "python_version < '3'",
    ],
)
def test_cannot_apply(marker: str) -> None:
    assert not may_apply(marker)
