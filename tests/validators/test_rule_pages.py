"""docs/rules/ says what the rules say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from canonical.plugins import discover

DOCS = Path(__file__).parents[2] / "docs"


def test_the_pages_are_up_to_date():
    spec = importlib.util.spec_from_file_location("docs_rules", DOCS / "rules.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.pages()
    assert len(made) == len(discover("validators", "RULE")) + 1
    stored = {page.name: page.read_text(encoding="utf-8") for page in (DOCS / "rules").glob("*.md")}
    assert stored == made, "run `python docs/rules.py`"


def test_a_rule_is_named_as_its_module():
    for name, rule in discover("validators", "RULE").items():
        module = importlib.import_module(f"validators.{name}")
        assert rule is module.RULE
        assert module.__doc__
