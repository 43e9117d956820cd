"""Settings of the documentation: `make docs` builds it with Sphinx, and treats a warning as an error."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "gloss_pyg"
author = "The gloss_pyg developers"
release = version = version_of("gloss-pyg")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "mathml",
    "reference_pages",
]
exclude_patterns = ["results", "build"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
# Links to files of the repository, which are no pages here.
suppress_warnings = ["myst.xref_missing"]

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
python_maximum_signature_line_length = 100
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Shapes", "notes_style"), ("Source", "notes_style"), ("Requires", "notes_style")]
default_role = "backquoted"

html_math_renderer = "mathml"
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["math.css"]
html_title = "gloss_pyg"
html_show_sourcelink = False
html_copy_source = False
