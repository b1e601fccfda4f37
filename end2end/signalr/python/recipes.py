"""The recipes as docs/clients/python.md prints them: tests run what readers copy."""

import pathlib
import re

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs/clients/python.md"


def recipe(heading, changes):
    """The first block of Python below the heading, with each `old` replaced by its `new`."""
    section = re.split(r"^#+ ", PAGE.read_text(), flags=re.MULTILINE)
    text = next(text for text in section if text.startswith(heading + "\n"))
    code = re.search(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL).group(1)
    for old, new in changes.items():
        if old not in code:
            raise AssertionError(f"the recipe {heading!r} has no {old!r} any more")
        code = code.replace(old, new)
    return code
