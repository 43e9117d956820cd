"""Parts of a loss with parameters as wide as the embeddings or the classes, told both before training."""

from abc import ABC, abstractmethod

from gloss_pyg.errors import ConfigError


class Sized(ABC):
    """A part that can be told how wide embeddings are and how many classes there are, once, before its first use.

    `gloss_pyg.training.set_sizes` tells all parts of a loss; our commands and `trainer_loss` call it. A part makes the
    parameters then whose width was left open, and refuses a width that it was made for and that is not so.
    """

    @property
    def open_sizes(self) -> tuple[str, ...]:
        """The arguments that `set_sizes` must still say, `dim` or `num_classes`; none where the part can be used."""
        return ()

    @abstractmethod
    def set_sizes(self, dim: int, num_classes: int) -> None:
        """Make what was left open and check the rest.

        Raises:
            ConfigError: for sizes that differ from those that the part was made for.
        """


def check_size(part: object, name: str, made_for: int | None, given: int) -> None:
    """Refuse a size that differs from what a part was made for; `None` is any.

    Example:
        >>> check_size(object(), "dim", 8, 8)
    """
    if made_for is not None and made_for != given:
        have = f"there are {given} classes" if name == "num_classes" else f"embeddings have {given} columns"
        raise ConfigError(f"{type(part).__name__} was made with {name}={made_for}, but {have}.")


def check_sized(part: Sized) -> None:
    """Refuse to use a part that does not know its sizes yet."""
    if part.open_sizes:
        raise unsized(type(part).__name__, *part.open_sizes)


def unsized(name: str, *arguments: str) -> ConfigError:
    """What is raised where a part is used before it knows its sizes."""
    return ConfigError(
        f"{name} must know how wide it is: give {' and '.join(arguments)}, or call gloss_pyg.training.set_sizes(loss, "
        "model) before the first step, as our commands and trainer_loss do."
    )
