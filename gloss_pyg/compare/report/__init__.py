"""`python -m gloss_pyg.compare.report RUN...`: what comparisons found, as one HTML file, Markdown and LaTeX.

| file | what it holds |
|---|---|
| `__main__.py` | the command |
| `runs.py`, `merge.py` | result folders, and several of them as one comparison |
| `outcomes.py`, `scores.py`, `material.py` | predictions, means with intervals, all that parts are written from |
| `content.py`, `wording.py` | what a report consists of, without a format; numbers as it writes them |
| `answer.py`, `*_section.py`, `build.py` | the parts, and their order |
| `published.py`, `published.json` | published figures for cells whose setting is a published one |
| `texts.py` | texts of documents, looked up and made fit to be shown |
| `drawing.py`, `charts.py` | charts that take their colours from the page |
| `html.py`, `markdown.py`, `latex.py` | the three formats; `report.html.jinja` and `report.css` are the page |
"""
