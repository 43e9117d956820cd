"""What is kept of source files, for tests that change them."""

from gloss_pyg import description, sources


def forget_sources() -> None:
    """Read every source file anew."""
    for kept in (*vars(sources).values(), *vars(description).values()):
        if hasattr(kept, "cache_clear"):
            kept.cache_clear()
