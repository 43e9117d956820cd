r"""Any text in XML 1.0, and back: what XML forbids, or its readers change, is written as `\u{...}`."""

import re

# Controls, tabs and line ends (readers turn them into blanks or each other), half surrogates, two non-characters.
_FORBIDDEN = re.compile("[\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]|^[ ]|[ ]$")
_WRITTEN = re.compile(r"\\(\\|e|u\{([0-9a-f]{1,6})\})")
EMPTY = "\\e"  # networkx reads an element without text as no text at all


def escaped(text: str) -> str:
    r"""The text in characters that XML 1.0 allows and that its readers leave alone.

    Example:
        >>> escaped("a\x00b\\c")
        'a\\u{0}b\\\\c'
    """
    if not text:
        return EMPTY
    return _FORBIDDEN.sub(lambda found: "\\\\" if found[0] == "\\" else f"\\u{{{ord(found[0]):x}}}", text)


def restored(text: str) -> str:
    r"""The text that `escaped` was given.

    Example:
        >>> restored('a\\u{0}b\\\\c')
        'a\x00b\\c'
    """
    return _WRITTEN.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    if found[1] == "\\":
        return "\\"
    return "" if found[1] == "e" else chr(int(found[2], 16))
