"""Other people's code is as it was published."""

import re
from hashlib import sha256
from pathlib import Path

VENDOR = Path(__file__).parents[2] / "web" / "static" / "vendor"


def test_every_vendored_file_is_listed_with_licence_and_digest() -> None:
    """None was changed, none is there without a word of where it came from."""
    table = (VENDOR / "README.md").read_text()
    rows = re.findall(r"^\| `([\w.]+)` \| npm .*`([\w.]+)` \| `(\w{64})` \|$", table, re.MULTILINE)

    assert {path.name for path in VENDOR.iterdir()} == {
        "README.md",
        *(name for name, _, _ in rows),
        *(licence for _, licence, _ in rows),
    }
    for name, licence, digest in rows:
        assert sha256((VENDOR / name).read_bytes()).hexdigest() == digest
        assert (VENDOR / licence).stat().st_size > 0
