import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError

from gloss_pyg import predict
from gloss_pyg import train as train_command
from gloss_pyg.errors import ConfigError
from gloss_pyg.model_folder import find_model


@pytest.fixture
def saved(tiny_texts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny_texts["train"].to_csv("reviews.csv", index=False)
    small = ["--method.model=random-tiny", "--method.max_steps=2", "--method.batch_size=8"]
    assert train_command.main(["--data", "reviews.csv", "--output", "pushed", *small]) == 0
    return tmp_path / "pushed"


def test_a_model_of_the_hub_predicts_by_its_name(saved, tmp_path, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download", lambda name, **options: asked.append((name, options)) or saved
    )
    (tmp_path / "new.txt").write_text("a match of the team\n", "utf-8")
    assert predict.main(["someone/films", "new.txt"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    ((name, options),) = asked
    assert name == "someone/films"
    # Nothing that holds code or pickles is fetched.
    assert not {"*.py", "*.bin", "*.pt", "*"} & set(options["allow_patterns"])


def test_all_that_predicting_takes_is_fetched(saved):
    from fnmatch import fnmatch

    from gloss_pyg.model_folder import _PARTS

    left = [
        path for path in saved.rglob("*") if path.is_file() and not any(fnmatch(path.name, part) for part in _PARTS)
    ]
    assert [path.name for path in left] == ["README.md"]
    card = (saved / "README.md").read_text("utf-8")
    assert card.startswith("---\n")
    assert f"\ntorch {torch.__version__}" in card


def test_a_folder_that_is_there_is_taken(saved):
    assert find_model("pushed") == saved.relative_to(saved.parent)


def test_a_name_that_the_hub_does_not_have_is_answered(monkeypatch, tmp_path):
    def nothing(*args, **options):
        raise LocalEntryNotFoundError("not in the cache")

    monkeypatch.setattr("huggingface_hub.snapshot_download", nothing)
    with pytest.raises(ConfigError, match=r"no folder someone/films.*not in the cache"):
        find_model("someone/films")
