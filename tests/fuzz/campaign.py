"""Coverage-guided fuzzing of one format (`campaign.py FORMAT SECONDS`) or of each in turn (`campaign.py all SECONDS`).

Stops with exit code 1 at the first input that is not survived, and leaves it in tests/fuzz/found/ to become a test.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
FOUND = Path(__file__).parent / "found"
_INPUT_BYTES_MAX = 30_000
_HANG_S = 30
_MEMORY_MIB_MAX = 3000


def main(name: str, seconds: int) -> int:
    """Fuzz one format in this process, or start one process for each."""
    import atheris

    with atheris.instrument_imports(include=["parsers"]):
        from fuzz.survival import formats, seeds, survive
    if name == "all":
        codes = [subprocess.call([sys.executable, __file__, item, str(seconds)]) for item in formats()]
        return max(codes)
    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(seeds(name)):
            (Path(corpus) / f"seed-{number}").write_bytes(data)
        FOUND.mkdir(exist_ok=True)
        limits = (
            f"-max_total_time={seconds}", f"-max_len={_INPUT_BYTES_MAX}", f"-timeout={_HANG_S}", f"-rss_limit_mb={_MEMORY_MIB_MAX}",
            f"-artifact_prefix={FOUND}/{name}-", "-print_final_stats=1", "-verbosity=0",
        )  # fmt: skip
        atheris.Setup([sys.argv[0], corpus, *limits], lambda data: survive(name, data))
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
