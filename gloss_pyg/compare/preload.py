"""What a server of processes imports once, before it forks (`Workers`)."""

from gloss_pyg.startup import many_imports

with many_imports():
    import gloss_pyg.compare.cell  # noqa: F401
