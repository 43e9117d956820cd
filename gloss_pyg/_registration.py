"""Our model among the Auto classes of transformers, without importing transformers before anybody asks for it.

`import gloss_pyg` must be quick, and `AutoModelForSequenceClassification.from_pretrained(folder)` must know our model
after it. So the module that defines the Auto classes is watched: once it has been imported, `gloss_pyg.encoder`, which
registers the model, is imported too. That may happen in the midst of importing any model of transformers, so nothing
that `gloss_pyg.encoder` imports may ask for one.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterable
from types import ModuleType

AUTO_CLASSES = "transformers.models.auto.modeling_auto"


def register_when_asked_for() -> None:
    """Register now if the Auto classes are there already, else right after their import."""
    if AUTO_CLASSES in sys.modules:
        importlib.import_module("gloss_pyg.encoder")
    elif not any(isinstance(finder, _Watcher) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Watcher())


class _Watcher(importlib.abc.MetaPathFinder):
    def find_spec(
        self,
        name: str,
        path: Iterable[str] | None,  # noqa: ARG002 - the import system passes it, not always as a sequence
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        if name != AUTO_CLASSES:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _ThenRegister(spec.loader)
        return spec


class _ThenRegister(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader) -> None:
        self.loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        importlib.import_module("gloss_pyg.encoder")
