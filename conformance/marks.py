"""What stands between `<!-- name -->` and `<!-- end of name -->` in a page, and is written by a program."""

from __future__ import annotations


def between(page: str, name: str, text: str) -> str:
    """The page with a text, which ends its last line, between the marks of a name."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, _, rest = page.partition(begin)
    return before + begin + text + end + rest.partition(end)[2]
