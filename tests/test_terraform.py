"""The Terraform code is formatted, valid against the provider's schema, and passes its own tests, where the tools are."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHECK = ROOT.parent / "shared" / "tools" / "terraform" / "check"


def test_the_terraform_code_is_valid_and_passes_its_tests() -> None:
    if not CHECK.exists() or shutil.which("terraform") is None:
        pytest.skip("terraform, or the offline schema check, is not beside this project")
    found = subprocess.run(
        ["bash", str(CHECK), str(ROOT / "terraform")], capture_output=True, text=True, check=False, timeout=600
    )
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    assert "3 passed, 0 failed" in found.stdout
