"""Formulas as MathML, which browsers draw themselves: pages that fetch nothing."""

from docutils import nodes
from docutils.parsers.rst.states import Inliner
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata
from sphinx.writers.html5 import HTML5Translator


def visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    """A formula within a sentence."""
    translator.body.append(convert(node.astext()))
    raise nodes.SkipNode


def visit_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    """A formula on its own."""
    translator.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def backquoted(
    name: str,  # noqa: ARG001 - the signature of a role
    rawtext: str,
    text: str,  # noqa: ARG001 - has lost its backslashes
    lineno: int,  # noqa: ARG001
    inliner: Inliner,  # noqa: ARG001
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """What stands between single backquotes: a formula where it has a command of TeX, else code."""
    inner = rawtext.strip("`")
    return [nodes.math(inner, inner) if "\\" in inner else nodes.literal(inner, inner)], []


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register all three."""
    app.add_role("backquoted", backquoted)
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
