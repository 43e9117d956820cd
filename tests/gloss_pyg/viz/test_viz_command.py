import pytest
import torch
from PIL import Image
from transformers import AutoTokenizer

from gloss_pyg.encoder import TextEncoder
from gloss_pyg.errors import ConfigError
from gloss_pyg.viz import load_graph
from gloss_pyg.viz.__main__ import main


@pytest.fixture(scope="module")
def places(tiny_bert, tiny_texts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("viz")
    torch.manual_seed(0)
    TextEncoder.from_encoder(tiny_bert, ["music", "sport", "trade"]).save_pretrained(folder / "model")
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(folder / "model")
    (folder / "model" / "method.json").write_text('{"max_length": 16}')
    tiny_texts["train"].cast_column("label", tiny_texts["train"].features["label"]).to_csv(folder / "texts.csv")
    return {"model": folder / "model", "texts": folder / "texts.csv", "bert": tiny_bert}


def run(places, tmp_path, *options):
    return main([option.format(tmp=tmp_path, **places) for option in options])


@pytest.mark.parametrize("what", ["graph", "flow", "weights", "spectrum", "distances", "embeddings", "suspicious"])
def test_each_picture_is_drawn(what, places, tmp_path, capsys):
    options = ("{model}", "--data", "{texts}", "--what", what, "--output", "{tmp}/a.png", "--documents=18")
    assert run(places, tmp_path, *options, "--graph=KNNGaussian", "--graph.k=4", "--graph.sigma=0.5") == 0
    with Image.open(tmp_path / "a.png") as picture:
        assert min(picture.size) > 200
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"viz: wrote {tmp_path}/a.png" in captured.err


def test_the_same_command_writes_the_same_file_and_a_bare_encoder_will_do(places, tmp_path):
    for name in "ab":
        output = f"{{tmp}}/{name}.svg"
        assert run(places, tmp_path, "{bert}", "--data={texts}", "--output", output, "--documents", "12") == 0
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_the_graph_itself(places, tmp_path):
    output = "--output={tmp}/g.graphml"
    assert run(places, tmp_path, "{model}", "--data", "{texts}", "--split", "train", output) == 0
    graph = load_graph(tmp_path / "g.graphml")
    assert graph.number_of_nodes() == 36
    assert {known["role"] for _, known in graph.nodes(data=True)} == {"seen", "hidden"}


def test_help_names_every_option(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    from gloss_pyg.viz import __main__ as command

    for option in command._OPTIONS:
        assert f"--{option}" in text
    for what in command._WHAT:
        assert what in text
    assert "Example: python -m gloss_pyg.viz offline --data bbc" in text


BAD = {
    "option": (("{model}", "--dta", "bbc"), "There is no option '--dta'. Did you mean '--data'"),
    "what": (("{model}", "--data", "{texts}", "--what", "grph"), "no such picture. Did you mean 'graph'"),
    "no data": (("{model}",), "Give the data set: --data NAME_OR_PATH"),
    "no model": (("--data", "{texts}"), "Give the model first"),
    "no such data": (("{model}", "--data", "{tmp}/no.csv"), "no file or folder .*no.csv"),
    "format": (("{model}", "--data", "{texts}", "--output", "a.gif"), "'.gif' is no format; give one of .png"),
    "export": (("{model}", "--data", "{texts}", "--what=flow", "--output=a.gexf"), "only --what graph"),
    "folder": (("{model}", "--data", "{texts}", "--output", "{tmp}/no/a.png"), "there is no folder"),
    "documents": (("{model}", "--data", "{texts}", "--documents", "1"), "expected at least 2"),
    "document": (("{model}", "--data", "{texts}", "--document", "1"), "--document is of --what flow"),
    "far document": (("{model}", "--data", "{texts}", "--what=flow", "--document=99"), "a number from 0 to"),
    "split": (("{model}", "--data", "{texts}", "--split", "all"), "expected one of train, validation, test"),
    "rule": (("{model}", "--data", "{texts}", "--graph=KNNGausian"), "Did you mean 'KNNGaussian'"),
    "sigma": (("{model}", "--data", "{texts}", "--graph.sigma=-1"), "sigma=-1"),
    "no number": (("{model}", "--data", "{texts}", "--documents=many"), "documents: expected a whole number"),
    "no encoder": (("{tmp}/nothing", "--data", "{texts}"), "There is no folder .*nothing"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_input_is_one_sentence_and_status_2(name, places, tmp_path, capsys):
    options, message = BAD[name]
    assert run(places, tmp_path, *options) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    with pytest.raises(ConfigError, match=message):
        raise ConfigError(said)
