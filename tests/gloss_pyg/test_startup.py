"""The start of a command: the collector rests while much is imported, and works on afterwards."""

import subprocess
import sys


def _run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_the_collector_rests_and_then_works_and_skips_what_was_imported():
    code = """
import gc
from gloss_pyg.startup import many_imports
with many_imports():
    within = gc.isenabled()
    import torch
print(within, gc.isenabled(), gc.get_freeze_count() > 10_000)
"""
    assert _run(code) == "False True True"


def test_a_failed_import_leaves_the_collector_at_work():
    code = """
import gc
from gloss_pyg.startup import many_imports
try:
    with many_imports():
        import no_such_module_at_all
except ImportError:
    print(gc.isenabled())
"""
    assert _run(code) == "True"


def test_a_program_that_has_torch_is_left_alone():
    code = """
import gc, torch
from gloss_pyg.startup import many_imports
with many_imports():
    print(gc.isenabled(), gc.get_freeze_count())
"""
    assert _run(code) == "True 0"
