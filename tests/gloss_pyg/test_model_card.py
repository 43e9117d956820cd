import copy
import re

import yaml
from huggingface_hub import ModelCard

from gloss_pyg.model_card import model_card

RECORD = {
    "method": "FineTuning",
    "data": "/home/somebody/private/reviews.csv",
    "seed": 3,
    "test_documents": 120,
    "accuracy": 0.875,
    "macro_f1": 0.8123456,
    "macro_silhouette": 0.25,
    "torch_version": "2.13.0",
    "arguments": {
        "method": {
            "class_path": "gloss_pyg.methods.FineTuning",
            "init_args": {"model": "offline", "checkpoints": "/home/somebody/checkpoints", "loss": {"class_path": "X"}},
        }
    },
}


def test_the_hub_reads_scores_and_base_model():
    card = ModelCard(model_card(RECORD, ["bad", "good"], "films"))
    assert card.data.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    found = {result.metric_type: result.metric_value for result in card.data.eval_results}
    assert found == {"accuracy": 0.875, "macro-F1": 0.812346, "macro silhouette": 0.25}
    assert {result.dataset_name for result in card.data.eval_results} == {"reviews.csv"}


def test_no_path_of_the_machine_is_told():
    text = model_card(RECORD, ["bad", "good"], "films")
    assert "somebody" not in text
    settings = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL).group(1))
    assert settings["init_args"] == {"model": "offline", "checkpoints": "checkpoints", "loss": {"class_path": "X"}}


def test_the_versions_are_those_of_the_record():
    assert "\ntorch 2.13.0\n" in model_card(RECORD, ["bad", "good"], "films")


def test_names_of_classes_are_shown_as_they_are():
    text = model_card(RECORD, ["<script>alert(1)</script>", "a|b", "line\nbreak\x00"], "films")
    assert "<script>" not in text
    assert r"\<script\>alert(1)\</script\>" in text
    assert r"a\|b" in text
    assert "line break" in text


def test_without_scores_it_says_so():
    text = model_card({"method": "M", "data": "bbc"}, ["a", "b"], "m")
    assert "| none | |" in text
    assert ModelCard(text).data.eval_results is None


def test_a_model_that_predicts_by_propagation_is_not_shown_with_the_linear_classifier():
    record = copy.deepcopy(RECORD)
    assert "AutoModelForSequenceClassification.from_pretrained" in model_card(record, ["a", "b"], "m")
    record["arguments"]["method"]["init_args"]["prediction"] = {"class_path": "PropagationHead"}
    text = model_card(record, ["a", "b"], "m")
    assert "AutoModelForSequenceClassification.from_pretrained" not in text
    assert 'Predictor(Path("FOLDER"))' in text
    assert "linear classifier alone" in text
