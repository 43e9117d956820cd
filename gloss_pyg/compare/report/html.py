"""The report as one HTML file that asks for nothing else: styles and charts are inside, and there are no scripts."""

from itertools import count
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from gloss_pyg.compare.report.content import Report

_HERE = Path(__file__).parent


def to_html(report: Report) -> str:
    """Write a report.

    Every text is escaped by the template engine; the style sheet and the charts, made here, are what is not.
    """
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )
    environment.filters["drawn"] = Markup  # only for what this package makes itself
    numbers = count()
    environment.globals["new_name"] = lambda: f"table-{next(numbers)}"
    style = (_HERE / "report.css").read_text(encoding="utf-8")
    return environment.get_template("report.html.jinja").render(report=report, style=style).lstrip()
