"""Every wrong input to `load_text_dataset` is answered before any long work, in words that say what to do."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gloss_pyg.data import load_text_dataset
from gloss_pyg.errors import UserError

Case = Callable[[Path], dict[str, Any]]


def folder(train: dict[str, list[Any]], *, val: Any = None, test: Any = None, **options: Any) -> Case:
    """A case with a folder of JSONL files; splits not given are good ones, with labels of the same kind."""

    def build(path: Path) -> dict[str, Any]:
        names = ["a", "b"] if isinstance(train["label"][0], str) else [0, 1]
        good = {"text": ["held out a", "held out b"], "label": names}
        for name, columns in {"train": train, "val": val or good, "test": test or good}.items():
            rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
            (path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return {"name_or_path": path, **options}

    return build


def file(name: str, content: str | bytes, **options: Any) -> Case:
    def build(path: Path) -> dict[str, Any]:
        (path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return {"name_or_path": path / name, **options}

    return build


def call(name: str, **options: Any) -> Case:
    return lambda path: {"name_or_path": name.format(path=path), **options}


def frame(data: dict[str, list[Any]], **options: Any) -> Case:
    def build(path: Path) -> dict[str, Any]:
        pd.DataFrame(data).to_parquet(path / "train.parquet")
        return {"name_or_path": path / "train.parquet", **options}

    return build


def two_tests(path: Path) -> dict[str, Any]:
    options = folder(FINE)(path)
    (path / "test.csv").write_text("text,label\nx,a\n")
    return options


def no_train(path: Path) -> dict[str, Any]:
    (path / "trian.csv").write_text("text,label\nx,a\n")
    return {"name_or_path": path}


def data_dir_without(path: Path) -> dict[str, Any]:
    (path / "MRR").mkdir()
    return {"name_or_path": "MR", "data_dir": path}


def data_dir_incomplete(path: Path) -> dict[str, Any]:
    (path / "MR").mkdir()
    (path / "MR" / "train.csv").write_text("text,label\ngood,1\nbad,0\n")
    return {"name_or_path": "MR", "data_dir": path}


FINE = {"text": ["one", "two", "three", "four"], "label": ["a", "b", "a", "b"]}
TWENTY = "".join(f"text {row},{'ab'[row % 2]}\n" for row in range(20))

CASES: dict[str, tuple[Case, str]] = {
    # names and paths
    "unknown name": (call("bcc"), "Did you mean 'bbc'"),
    "wrong case": (call("mr"), "Did you mean 'MR'"),
    "bare hub name": (call("imdb"), "Known: .*bbc.*'owner/name'"),
    "missing file": (call("{path}/reviews.csv"), "There is no file or folder .*reviews.csv"),
    "missing folder": (call("{path}/nowhere/reviews.csv"), "nowhere does not exist"),
    "hub without network": (call("owner/name"), "no local file or folder.*unset it to ask the Hub"),
    "unknown suffix": (file("a.docx", "x"), r"suffix '\.docx'; expected one of .*\.csv"),
    "no training file": (no_train, "no training split; found 'trian'"),
    "two files for a split": (two_tests, r"test.csv and test.jsonl.*keep one"),
    "data_dir missing": (call("MR", data_dir="{nowhere}"), "does not exist.*GLOSS_PYG_DATA"),
    "data_dir without the set": (data_dir_without, "no folder 'MR'.*Did you mean 'MRR'"),
    "data_dir incomplete": (data_dir_incomplete, "lacks val and test"),
    # columns and parsing
    "wrong text column": (file("a.csv", "Text,label\nx,a\n"), "no column 'text'.*'Text', 'label'.*Did you mean 'Text'"),
    "wrong label column": (
        file("a.csv", "text,y\nx,a\n"),
        "no column 'label'.*its columns are 'text', 'y'. Say which one it is with text_column or label_column "
        r"\(on the command line --data.text_column or --data.label_column\)",
    ),
    "wrong separator": (
        file("a.csv", "text;label\nx;a\n"),
        "its columns are 'text;label'. Is it separated by semicolons. Expected commas between the columns",
    ),
    "wrong separator, quoted": (
        file("a.csv", '"text";"label"\n"x";"a"\n'),
        "line 1: ',' expected after '\"'.*Expected commas between the columns",
    ),
    "tabs called commas": (
        file("a.csv", "text\tlabel\nx\ta\n"),
        r"Is it separated by tabs. Expected commas between the columns; a file separated by tabs is named \.tsv",
    ),
    "commas called tabs": (
        file("a.tsv", "text,label\nx,a\n"),
        r"Is it separated by commas. Expected tabs between the columns; a file separated by commas is named \.csv",
    ),
    "column twice": (file("a.csv", "text,text,label\nx,y,a\n"), "2 columns called 'text'; rename"),
    "parquet column": (frame({"body": ["x"], "label": [0]}), "no column 'text'.*'body'"),
    "json key": (file("a.jsonl", '{"txt": "x", "label": 1}\n'), "no column 'text'.*Did you mean 'txt'"),
    "same column for both": (call("bbc", text_column="label"), "both 'label'"),
    "columns of bbc": (call("bbc", text_column="body"), "'bbc' has no columns to choose"),
    "unquoted comma": (file("a.csv", "text,label\nx,a\ngood, bad,b\n"), "line 3: 3 fields.*header has 2.*quotes"),
    "open quote": (file("a.csv", 'text,label\n"x,a\ny,b\n'), "quotes around the whole field"),
    "not UTF-8": (file("a.csv", "text,label\ncafé,a\n".encode("latin-1")), "not UTF-8 .*0xe9.*iconv"),
    "UTF-16": (file("a.csv", "text,label\nx,a\n".encode("utf-16")), "not UTF-8 .*0xff.*iconv -f utf-16"),
    "null character": (file("a.csv", "text,label\nx\0y,a\n"), "line 2: a null character"),
    "json key of the first record": (
        file("a.jsonl", '{"text": "x"}\n{"text": "y", "label": "a"}\n{"text": "z", "label": "b"}\n'),
        r"1 documents have no label \(row 1\).* -1",
    ),
    "json key of no record": (
        file("a.json", '[{"text": "x"}, {"text": "y", "topic": "a"}, {"text": "z", "Label": "b"}]'),
        "no column 'label'; its columns are 'text', 'topic', 'Label'. Did you mean 'Label'",
    ),
    "no key at all in the first record": (
        file("a.jsonl", '{"body": "x"}\n{"text": "y", "label": 1}\n'),
        "line 1 has none of the keys text, label; it has body. Say which one it is with text_column",
    ),
    "no key at all": (file("a.jsonl", '{"text": "x", "label": 1}\n{"txt": "y"}\n'), "line 2 has none of the keys.*txt"),
    "no name": (call(""), "The name of the data set is empty"),
    "no label in a file": (
        file("a.csv", "text,label\n" + "".join(f"x{n},-1\n" for n in range(40))),
        "no document has a label",
    ),
    "not JSON": (file("a.jsonl", '{"text": "x", "label": 1}\n{"text": \n'), "line 2: not valid JSON"),
    "JSON without objects": (file("a.jsonl", '["x", 1]\n'), "line 1: expected an object.*found list"),
    "JSON without a list": (file("a.json", '{"text": "x"}'), "expected a list of objects"),
    "not Parquet": (file("a.parquet", "text,label\n"), "cannot be read as Parquet"),
    "empty file": (file("a.csv", ""), "is empty; expected a first line with the column names text, label"),
    "empty JSONL": (file("a.jsonl", "\n\n"), "is empty; expected objects with the keys text, label"),
    "header only": (file("a.csv", "text,label\n"), "split 'train' is empty"),
    # texts
    "all texts empty": (folder({"text": ["", " "], "label": ["a", "b"]}), "all 2 texts of the split 'train' are empty"),
    "texts are numbers": (frame({"text": [1, 2], "label": ["a", "b"]}), "text of row 1 is a int .*text_column"),
    "half a surrogate": (
        file("a.jsonl", '{"text": "\\ud83d", "label": "a"}\n'),
        "row 1 is not valid Unicode.*second half",
    ),
    # labels
    "missing label": (folder({"text": ["x", "y"], "label": ["a", None]}), r"1 documents have no label \(row 2\).* -1"),
    "blank label": (file("a.csv", "text,label\nx,a\ny,\n"), r"have no label \(row 2\)"),
    "NaN label": (frame({"text": ["x", "y"], "label": [0.0, math.nan]}), r"have no label \(row 2\)"),
    "infinite label": (frame({"text": ["x", "y"], "label": [0.0, math.inf]}), "not class numbers, the first is inf"),
    "nan among numbers": (file("a.csv", "text,label\nx,0\ny,nan\n"), "not class numbers, the first is nan"),
    "fractional label": (folder({"text": ["x", "y"], "label": [0.5, 1]}), r"not class numbers, the first is 0\.5"),
    "negative label": (folder({"text": ["x", "y"], "label": [-2, 1]}), "first is -2 .*write -1"),
    "torch's ignore index": (folder({"text": ["x", "y"], "label": [-100, 1]}), "first is -100.*write -1.*torch"),
    "several labels": (folder({"text": ["x", "y"], "label": [[0, 1], [1]]}), "row 1 is a list.*one class a document"),
    "one class": (folder({"text": ["x", "y"], "label": ["a", "a"]}), "one class, 'a'; a classifier needs two"),
    "one class before a division": (file("a.csv", "text,label\nx,a\ny,a\n"), "one class, 'a'; a classifier needs two"),
    "minus one as a class of two": (
        file("a.csv", "text,label\n" + "".join(f"x{row},{2 * (row % 2) - 1}\n" for row in range(28))),
        "one class, '1'.* 14 documents have the label -1, which means none; if it is a class, .*name .*'negative'",
    ),
    "minus one as a class of three": (
        folder({"text": ["x", "y", "z"], "label": [-1, 0, 1]}, test={"text": ["u", "v"], "label": [-1, 1]}),
        r"1 documents of 'test' have no label \(-1; row 1\).*if it is a class, give it a name such as 'negative'",
    ),
    "no labels": (folder({"text": ["x", "y"], "label": [-1, -1]}), "no training document has a label"),
    "unseen labels": (
        folder(FINE, test={"text": ["x", "y", "z"], "label": ["a", "d", "c"]}),
        "'test' has labels that no training document has: 'c', 'd'.*Training knows: a, b",
    ),
    "unlabelled validation": (
        folder(FINE, val={"text": ["x", "y"], "label": ["a", -1]}),
        r"1 documents of 'validation' have no label \(-1; row 2\)",
    ),
    "an id as label": (
        file("a.csv", "text,label\n" + "".join(f"t{row},{row}\n" for row in range(30))),
        "too few to divide.*Is label_column the right column",
    ),
    "too few documents": (file("a.csv", "text,label\nx,a\ny,b\n"), "2 different texts in 2 classes are too few"),
    # budgets
    "two budgets": (call("bbc", train_size=9, labels_per_class=2), "train_size=9 and labels_per_class=2.*Give one"),
    "train_size zero": (call("bbc", train_size=0), "train_size=0 is neither"),
    "train_size negative": (call("bbc", train_size=-5), "train_size=-5 is neither"),
    "train_size above one": (call("bbc", train_size=1.5), "train_size=1.5 is neither.*at most 1.0"),
    "train_size zero share": (call("bbc", train_size=0.0), "train_size=0.0 is neither"),
    "train_size NaN": (call("bbc", train_size=math.nan), "train_size=nan is neither"),
    "train_size too large": (folder(FINE, train_size=5), "train_size=5, but only 4 training documents"),
    "train_size below the classes": (folder(FINE, train_size=1), "1 training documents for 2 classes.*at least 2"),
    "train_size share too small": (folder(FINE, train_size=0.1), "gives 0 training documents for 2 classes"),
    "labels_per_class zero": (call("bbc", labels_per_class=0), "labels_per_class=0; expected a whole number from 1"),
    "negative seed": (call("bbc", seed=-1), "seed=-1; expected a whole number from 0"),
}


@pytest.mark.parametrize("name", CASES)
def test_is_refused_with_what_to_do(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLOSS_PYG_DATA", raising=False)
    build, expected = CASES[name]
    with pytest.raises(UserError, match=f"(?s){expected}"):
        load_text_dataset(**build(tmp_path))
