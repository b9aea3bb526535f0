"""What mkdocs needs besides: a fence's note (```console needs-minutes) is for the tests, and links may leave docs/."""

from __future__ import annotations

import re
from typing import Any

FENCE = re.compile(r"^(\s*```\w+)[ \t][^\n]*$", re.MULTILINE)
OUTSIDE = re.compile(
    r"\[([^\]]+)\]\((?:\.\./)+(?:README|CHANGELOG|CONTRIBUTING|LICENSE|results|studies|benchmarks|tests|src)[^)]*\)"
)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Without the notes of fences; what lies in the repository and not in the site is named, not linked."""
    return without_outside_links(FENCE.sub(r"\1", markdown), page.file.src_uri)


def without_outside_links(markdown: str, path: str) -> str:
    """A link leaves docs/ by one `../` more than the page's folders; others stay."""
    depth = path.count("/")
    return OUTSIDE.sub(lambda found: found[1] if found[0].count("../") > depth else found[0], markdown)
