"""`python -m gloss_pyg.compare.report RUN...`: results of one or several comparisons as a report.

What can be checked without the statistics is checked before they are imported.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gloss_pyg.command import run_command
from gloss_pyg.compare.files import write_whole
from gloss_pyg.compare.report.runs import check_folders, read_results
from gloss_pyg.errors import ConfigError
from gloss_pyg.startup import many_imports


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status: 0, 2 for something that cannot work, 130 stopped by Ctrl-C."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    return run_command(
        "report", lambda: print(*_report(options, given), sep="\n"), stopped="stopped; nothing was written."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gloss_pyg.compare.report",
        description="Write what comparisons found as report.html (one file, no network), report.md and report.tex, "
        "with statistics.json and the configuration that makes it again. Needs the extra 'stats'.",
        epilog="Example: python -m gloss_pyg.compare.report results/mr-800 results/losses --reference cross-entropy",
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="result folders, the --output of comparisons")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="default: 'report' inside the first RUN")
    parser.add_argument("--reference", metavar="METHOD", help="compare all methods with this one only: fewer tests")
    parser.add_argument("--no-texts", action="store_true", help="show no text of any document, for private data")
    return parser


def _report(options: argparse.Namespace, given: Sequence[str]) -> list[Path]:
    check_folders(options.runs)
    output: Path = options.output or options.runs[0] / "report"
    if output.exists() and not output.is_dir():
        raise ConfigError(f"--output {output} is a file; name a folder.")
    print("report: reading the results ...", file=sys.stderr, flush=True)
    os.environ["HF_HUB_OFFLINE"] = "1"  # read as the libraries are imported: a report downloads nothing
    with many_imports():
        from gloss_pyg.compare.report.build import build
        from gloss_pyg.compare.report.html import to_html
        from gloss_pyg.compare.report.latex import to_latex
        from gloss_pyg.compare.report.markdown import to_markdown
        from gloss_pyg.compare.report.material import gather
        from gloss_pyg.compare.report.merge import merge
        from gloss_pyg.compare.report.settings_section import configurations_of, file_names

    package = logging.getLogger("gloss_pyg")
    level = package.level
    package.setLevel(logging.ERROR)  # notes on the data were for those who ran the comparison
    try:
        merged = merge([read_results(folder) for folder in options.runs])
        material = gather(merged, texts=not options.no_texts, reference=options.reference)
        configurations = configurations_of(merged)
        report = build(material, configurations, given)  # texts are looked up here
    finally:
        package.setLevel(level)
    contents = {
        "report.html": to_html(report),
        "report.md": to_markdown(report),
        "report.tex": to_latex(report),
        **dict(zip(file_names(configurations), configurations, strict=True)),
    }
    if material.statistics is not None:
        contents["statistics.json"] = material.statistics.json().decode()
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            write_whole(output / name, content.encode("utf-8", errors="replace"))
    except OSError as error:
        raise ConfigError(
            f"The report cannot be written to {output} ({error.strerror or error}); name another --output."
        ) from error
    return [output / name for name in contents]


if __name__ == "__main__":
    sys.exit(main())
