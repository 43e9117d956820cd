"""`python -m gloss_pyg.compare`: compare methods on data sets over seeds.

What can be checked without torch is checked before torch is imported, which takes seconds.
"""

import sys
from collections.abc import Sequence

from gloss_pyg.command import run_command
from gloss_pyg.compare.command_line import help_text, read_arguments
from gloss_pyg.compare.configuration import check_data
from gloss_pyg.errors import ConfigError, UserError
from gloss_pyg.startup import many_imports


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status (see `--help`)."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if {"-h", "--help"} & set(given):
        print(help_text(), end="")
        return 0
    return run_command("compare", lambda: _compare(given), stopped="stopped; what was finished is kept.")


def _compare(given: Sequence[str]) -> int:
    arguments = read_arguments(given)
    for name, spec in arguments.check_without_methods().data.items():
        check_data(name, spec)
    print("compare: loading PyTorch and the methods ...", file=sys.stderr, flush=True)
    try:
        with many_imports():
            from gloss_pyg.compare.comparison import run
    except UserError:
        raise
    except ImportError as error:
        raise ConfigError(f"A package that gloss_pyg needs cannot be imported ({error}); install it again.") from error
    return run(arguments.check())


if __name__ == "__main__":
    sys.exit(main())
