"""Says what the YAML parser found in words for the one who wrote the file.

The parser distinguishes its complaints by text alone, and so does this module, and no other; one
that is not listed is passed on as it is.
"""

from __future__ import annotations

import re

from ruamel.yaml.error import MarkedYAMLError

_WORDING: tuple[tuple[str, str], ...] = (
    (
        r"mapping values are not allowed here",
        "found a ':' that can't start a value here; check the indentation, and put quotes "
        "around a text that holds ': '",
    ),
    (r"found character '\\t'.*", "found a tab; indent with spaces"),
    (r"found a tab character.*", "found a tab; indent with spaces"),
    (
        r"found character '(?P<it>.)' that cannot start any token",
        "found {it} at the start of a value; put quotes around the value",
    ),
    (
        r"found unknown escape character '(?P<it>.)'",
        "found \\{it} in double quotes; write \\\\{it}, or use single quotes",
    ),
    (
        r"expected ',' or '(?P<it>[\]}])', but got .*",
        "found no ',' or {it} here; separate values by ',' and close the {open} of line {line}",
    ),
    (
        r"expected <block end>, but found .*",
        "found something that does not fit what stands before it; check the indentation, and "
        "put quotes around the whole value",
    ),
    (r"found unexpected end of stream", "found a quote that is never closed; close it"),
    (r"could not find expected ':'", "found no ':' after this key; write key: value"),
    (
        r"expected the node content, but found '(?P<it>[^<].*|<)'",
        "found {it} where a value should be; put quotes around the value",
    ),
    (
        r"expected the node content, but found '<stream end>'",
        "found the end of the file where a value should be; close the [ or {{ above it",
    ),
    (
        r"found incompatible YAML document.*",
        "found a %YAML line of another version; leave it out",
    ),
)

_EXPLAINED_WHERE_IT_BEGAN = ("found unexpected end of stream", "could not find expected ':'")
_OPENING = {"]": "[", "}": "{"}


def syntax_problem(error: MarkedYAMLError) -> tuple[int, int, str]:
    """Line, column (both from 1) and message of a syntax error."""
    problem = str(error.problem or error.context or "")
    before = error.context_mark
    mark = error.problem_mark or before
    if before and problem.startswith(_EXPLAINED_WHERE_IT_BEGAN):
        mark = before
    message = _word(problem, before.line + 1 if before else 1)
    if mark is None:
        return 1, 1, message
    return mark.line + 1, mark.column + 1, message


def _word(problem: str, began: int) -> str:
    for pattern, message in _WORDING:
        match = re.fullmatch(pattern, problem)
        if match:
            parts = match.groupdict()
            opening = _OPENING.get(parts.get("it", ""), "")
            return message.format(**parts, open=opening, line=began)
    return f"found something that is not YAML: {problem}; check quotes and indentation"
