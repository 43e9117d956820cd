"""The reference: a page for each package, its docstring (Markdown) above its public names; written before a build."""

import importlib
import inspect
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

PAGES = {
    "gloss_pyg.graph": "Graphs",
    "gloss_pyg.propagation": "Propagation",
    "gloss_pyg.losses": "Losses",
    "gloss_pyg.training": "Training",
    "gloss_pyg.encoder": "Encoder",
    "gloss_pyg.data": "Data",
    "gloss_pyg.classifier": "Prediction from embeddings",
    "gloss_pyg.methods": "Methods",
    "gloss_pyg.compare.statistics": "Statistics",
    "gloss_pyg.viz": "Pictures",
    "gloss_pyg.integrations.sentence_transformers": "sentence-transformers",
    "gloss_pyg.integrations.metric_learning": "pytorch-metric-learning",
    "gloss_pyg.testing": "Conformance kit",
    "baselines": "Baselines",
}
FOLDER = "reference"


def public_names(package: str) -> list[str]:
    """What a package offers of its own, sorted: classes before functions."""
    module = importlib.import_module(package)
    names = getattr(module, "__all__", None) or [
        name for name, part in vars(module).items() if getattr(part, "__module__", None) == package and name[0] != "_"
    ]
    kept = [name for name in names if callable(getattr(module, name))]
    return sorted(kept, key=lambda name: (not inspect.isclass(getattr(module, name)), name.lower()))


def page(package: str, title: str) -> str:
    """The text of one page."""
    module = importlib.import_module(package)
    lines = [f"# {title}", "", f"`{package}`", "", inspect.getdoc(module) or "", ""]
    for name in public_names(package):
        part = getattr(module, name)
        kind = "autoclass" if inspect.isclass(part) else "autofunction"
        lines += ["```{eval-rst}", f".. {kind}:: {package}.{name}"]
        if inspect.isclass(part):
            # What scikit-learn adds to its estimators links to its own pages.
            foreign = ", ".join(member for member in dir(part) if member.endswith("_request"))
            lines += ["   :members:", f"   :exclude-members: {foreign}", "   :show-inheritance:"]
        lines += ["```", ""]
    return "\n".join(lines)


def write_pages(app: Sphinx) -> None:
    """Write every page that changed."""
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(exist_ok=True)
    for package, title in PAGES.items():
        path, text = folder / f"{package.removeprefix('gloss_pyg.')}.md", page(package, title)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Write the pages as the build begins."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
