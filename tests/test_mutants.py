"""Break the engine on purpose: each time a chapter must fail under strict nbval, on its own.

Not part of the fast run: `make mutants`.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.mutants

# name: (module, what stands there, what it becomes, chapter that must fail)
MUTANTS = {
    "6 becomes 5: one vmemmap page more is kept": (
        "schemes", '(5, 14), 2, "last kept page"', '(5, 14), 3, "last kept page"', "06_remap_to_page_1",
    ),
    "64 becomes 56: another sizeof(struct page)": (
        "geometry", "STRUCT_PAGE = 64", "STRUCT_PAGE = 56", "01_struct_page",
    ),
    "262,144 becomes 4,096: the mail's number": (
        "geometry", "return self.size // self.base_page", "return min(self.size // self.base_page, 4096)",
        "02_x86_huge_pages",
    ),
    "tails are left writable": (
        "hvo", "part.shape), False, batch)", "part.shape), True, batch)", "06_remap_to_page_1",
    ),
    "the split is forgotten": (
        "hvo", "    if len(leaves):\n", "    if False:\n", "06_remap_to_page_1",
    ),
}  # fmt: skip


def failing_cells(folder, chapter):
    """How many cells of a chapter fail strict nbval with the engine that stands in ``folder``."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider",
         str(folder / "notebooks" / f"{chapter}.ipynb")],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(folder), "HVLIB_OBSERVE": "recorded"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    failed = re.search(r"(\d+) failed", done.stdout)
    assert failed or " passed" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
    return int(failed.group(1)) if failed else 0


@pytest.fixture
def copy(tmp_path):
    for name in ("hvlib", "notebooks"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_engine_fails_a_notebook(copy, name):
    module, now, then, chapter = MUTANTS[name]
    file = copy / "hvlib" / f"{module}.py"
    text = file.read_text()
    assert text.count(now) == 1, "the mutant's place has moved"
    file.write_text(text.replace(now, then))
    failed = failing_cells(copy, chapter)
    print(f"{name}: {failed} cells of {chapter} fail")
    assert failed > 0


def test_the_unbroken_copy_passes(copy):
    """Otherwise the mutants would fail for some other reason."""
    assert failing_cells(copy, "02_x86_huge_pages") == 0
