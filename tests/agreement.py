"""Compare diagnose's verdicts with uv's own resolution: `python -m tests.agreement [NAME…]`.

Each name is judged on PyPI alone, with all that it needs, and then resolved by uv for the same target.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import uv

from envgen.diagnosis.availability import CondaLookup, UnreadRepodata
from envgen.diagnosis.dependencies import DependencyGraph, DependencyWalk
from envgen.diagnosis.results import Question
from envgen.knowledge.names import name_table
from envgen.mapping.name_mapper import NameMapper
from envgen.models.channel import CONDA_FORGE
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement
from envgen.pypi.lookups import PypiLookups
from envgen.solvers.rattler import RattlerSolver

LISTED = """
numpy scipy pandas scikit-learn matplotlib pillow lxml pyyaml cryptography cffi grpcio protobuf psutil aiohttp
yarl multidict frozenlist pyzmq tornado markupsafe wrapt msgpack regex ujson orjson pydantic-core rpds-py bcrypt
pynacl greenlet sqlalchemy psycopg2-binary psycopg2 pymssql mysqlclient asyncpg h5py tables netcdf4 numba
llvmlite cython shapely pyproj rasterio fiona gdal cartopy opencv-python opencv-python-headless torch
torchvision torchaudio tensorflow tensorflow-metal tensorflow-macos tensorflow-text tensorflow-addons
tensorflow-cpu tensorflow-datasets tflite-runtime jax jaxlib jax-metal onnx onnxruntime onnxruntime-silicon
xgboost lightgbm catboost faiss-cpu mlx coremltools tokenizers safetensors sentencepiece tiktoken spacy thinc
cymem preshed gensim polars pyarrow duckdb zstandard lz4 brotli uvloop httptools gevent pyaudio sounddevice
soundfile dlib mediapipe av pygame statsmodels scikit-image pycocotools bitsandbytes
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What both say of a name: the version that each takes, "" where it cannot be had; `code` is our class."""

    name: str
    code: str
    ours: str
    uvs: str
    why: str = ""

    @property
    def agrees(self) -> bool:
        """Return whether both can have it or neither can; uv may choose an older release, whose needs can be had."""
        return bool(self.ours) == bool(self.uvs) or (not self.ours and self.code == "OK" and bool(self.uvs))


def compare(names: Sequence[str], platform: Platform, cache: Path) -> Iterator[Comparison]:
    """Judge all names at once, and resolve each by itself."""
    made = judged(names, platform, cache)
    with ThreadPoolExecutor(6) as pool:
        resolved = list(pool.map(lambda name: resolution(name, platform), names))
    for name, version in zip(names, resolved, strict=True):
        node = made.nodes[name]
        below = made.chain_to_unavailable(name)
        ours = "" if below else node.pypi.availability.version
        yield Comparison(name=name, code=node.pypi.availability.code, ours=ours, uvs=version, why=" → ".join(below))


def judged(names: Sequence[str], platform: Platform, cache: Path) -> DependencyGraph:
    """Walk names as diagnose does where no channel has anything."""
    repodata = UnreadRepodata(channels=(CONDA_FORGE,))
    mapper = NameMapper(repodata=repodata, table=name_table(), overrides={}, python=platform.python)
    made = DependencyGraph(markers=platform.markers())
    conda = CondaLookup(repodata=repodata, mapper=mapper, platform=platform, solver=RattlerSolver())
    lookups = PypiLookups(cache=cache, environment=os.environ, timeout=120.0)
    found = DependencyWalk(
        platform=platform, conda=conda, lookups=lookups, forced={}, progress=lambda _: None, graph=made
    )
    found.follow([Question(requested=Requirement.parse(name, Origin(path=name))) for name in names])
    return made


def resolution(name: str, platform: Platform) -> str:
    """Let uv resolve a name with all that it needs; give the version that it takes, "" where it cannot."""
    command = [uv.find_uv_bin(), "pip", "compile", "-", "--python-platform", platform.triple]
    command += ["--python", sys.executable]  # else it looks for one of that version first
    command += ["--python-version", platform.python, "--only-binary", ":all:", "--prerelease", "if-necessary"]
    command += ["--no-config", "--no-python-downloads", "--format", "pylock.toml", "--no-header", "-q"]
    done = subprocess.run(
        command,
        input=name,
        text=True,
        capture_output=True,
        check=False,
        env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": platform.macos},
    )
    if done.returncode:
        return ""
    packages = tomllib.loads(done.stdout).get("packages", [])
    return next((str(each["version"]) for each in packages if each["name"] == name), "")


def main(names: Sequence[str]) -> None:
    """Print the table."""
    platform = Platform(subdir="osx-arm64", python="3.12", macos="13.0")
    with tempfile.TemporaryDirectory() as folder:
        rows = list(compare(names or LISTED.split(), platform, Path(folder)))
    for row in rows:
        sign = " " if row.agrees and row.ours == row.uvs else "~" if row.agrees else "!"
        print(f"{sign} {row.name:28} {row.code:22} {row.ours or '-':16} {row.uvs or '-':16} {row.why}")
    print(f"{sum(row.agrees for row in rows)} of {len(rows)} agree")


if __name__ == "__main__":
    main(sys.argv[1:])
