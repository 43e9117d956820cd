from collections.abc import Callable
from pathlib import Path

import pytest

from gloss_pyg.compare.command_line import help_text, read_arguments
from gloss_pyg.compare.configuration import Configuration
from gloss_pyg.errors import ConfigError


@pytest.fixture
def read(config_file: Callable[..., Path]) -> Callable[..., Configuration]:
    path = config_file()
    return lambda *options: read_arguments([f"--config={path}", *options]).check()


def test_the_file_alone_gives_its_fields_with_all_defaults(
    read: Callable[..., Configuration], tmp_path: Path, texts_csv: Path
) -> None:
    config = read()
    assert config.name == "comparison"
    assert list(config.methods) == ["plain", "with-part"]
    assert config.methods["plain"]["class_path"] == "fake_methods.FakeMethod"
    assert config.methods["plain"]["init_args"]["steps"] == 3
    assert config.methods["with-part"]["init_args"]["smoothing"] == {
        "class_path": "fake_methods.Square",
        "init_args": {"amount": 0.25, "power": 2, "kind": "soft"},
    }
    assert config.data["texts"].name_or_path == str(texts_csv)
    assert config.data["texts"].labels_per_class == 8
    assert config.data["texts"].seed is None
    assert config.seeds == (0, 1)
    assert config.output == tmp_path / "results"
    assert not config.dry_run


@pytest.mark.parametrize(
    "option",
    [
        "--methods.with-part.smoothing.power=5",
        "--methods.with-part.init_args.smoothing.init_args.power=5",
        "--methods.with_part.smoothing.power=5",
    ],
)
def test_an_argument_of_a_part_is_overridden_and_its_neighbours_stay(
    read: Callable[..., Configuration], option: str
) -> None:
    part = read(option).methods["with-part"]["init_args"]["smoothing"]
    assert part["init_args"] == {"amount": 0.25, "power": 5, "kind": "soft"}


def test_a_value_may_follow_as_an_argument_of_its_own(read: Callable[..., Configuration]) -> None:
    config = read("--seeds", "[4]", "--methods.plain.steps", "7", "--data.train_size", "0.5", "--dry-run")
    assert config.seeds == (4,)
    assert config.methods["plain"]["init_args"]["steps"] == 7
    assert config.data["texts"].train_size == 0.5
    assert config.dry_run


def test_what_two_classes_share_survives_a_change_of_class(read: Callable[..., Configuration]) -> None:
    part = read("--methods.with-part.smoothing=Smoothing").methods["with-part"]["init_args"]["smoothing"]
    assert part == {"class_path": "fake_methods.Smoothing", "init_args": {"amount": 0.25}}


def test_a_class_and_its_arguments_can_be_given_over_a_file_without_them(read: Callable[..., Configuration]) -> None:
    config = read("--methods.plain.smoothing=Square", "--methods.plain.smoothing.amount=5e-2")
    assert config.methods["plain"]["init_args"]["smoothing"]["init_args"] == {
        "amount": 0.05,
        "power": 2,
        "kind": "soft",
    }


def test_a_method_can_be_added(read: Callable[..., Configuration]) -> None:
    config = read("--methods.third=FakeTransductive", "--methods.third.steps=1")
    assert list(config.methods) == ["plain", "with-part", "third"]
    assert config.methods["third"]["class_path"] == "fake_methods.FakeTransductive"
    assert config.methods["third"]["init_args"]["steps"] == 1


def test_data_sets_are_replaced_and_their_fields_set_for_all_or_one(read: Callable[..., Configuration]) -> None:
    config = read("--data=[MR, R8]", "--data.train_size=100", "--data.R8.test_size=50", "--data.MR.data_dir=/some")
    assert list(config.data) == ["MR", "R8"]
    assert [spec.train_size for spec in config.data.values()] == [100, 100]
    assert [spec.test_size for spec in config.data.values()] == [None, 50]
    assert [spec.data_dir for spec in config.data.values()] == ["/some", None]
    assert [spec.labels_per_class for spec in config.data.values()] == [None, None]


def test_numbers_with_an_exponent_in_yaml_are_numbers(config_file: Callable[..., Path]) -> None:
    path = config_file()
    path.write_text(path.read_text().replace("amount: 0.25", "amount: 5e-2"))
    config = read_arguments([f"--config={path}"]).check()
    assert config.methods["with-part"]["init_args"]["smoothing"]["init_args"]["amount"] == 0.05


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("comparison.yaml", "Unexpected argument 'comparison.yaml'.*--config comparison.yaml"),
        ("-v", "Unexpected argument '-v'"),
        ("--seed=[1]", "no option '--seed'. Did you mean '--seeds'"),
        ("--dryrun", r"no option '--dryrun'. Did you mean '--dry-run'"),
        ("--conifg=x", r"no option '--conifg'. Did you mean '--config'"),
        ("--seeds", "'--seeds' needs a value"),
        ("--seeds=1", r"seeds: expected a list such as \[0, 1\], got '1'"),
        ("--seeds=[a]", "seeds: expected a whole number, got 'a'"),
        ("--seeds=[0, 0]", "expected different whole numbers"),
        ("--seeds=[-1]", "expected different whole numbers"),
        ("--seeds=[]", "expected different whole numbers"),
        ("--data.texts.train_sise=5", "no field 'train_sise'. Did you mean 'train_size'"),
        ("--data.train_sise=5", "no data set 'train_sise'.*Did you mean 'train_size'"),
        ("--data.text.train_size=5", "no data set 'text.train_size'.*Did you mean 'texts'"),
        ("--data.labels_per_class=many", "data.texts.labels_per_class: expected a whole number or .all. or a list"),
        ("--data.unlabelled=hide", r"expected one of \['drop', 'keep'\], got 'hide'"),
        ("--data=[", r"--data=\[ cannot be read"),
        ("--data=MR,R8", r"--data=MR,R8 names no file; .* as a list: --data=\[MR,R8\]"),
        ("--methods.plan.steps=5", "no method 'plan.steps'.*Did you mean 'plain'"),
        (
            "--methods.plain.setps=5",
            "methods.plain: fake_methods.FakeMethod has no argument 'setps'. Did you mean 'steps'",
        ),
        ("--methods.plain.steps=few", "methods.plain.steps: expected a whole number, got 'few'"),
        ("--methods.plain=FakeMethd", "methods.plain: there is no class 'FakeMethd'. Did you mean 'FakeMethod'"),
        ("--methods.plain=fake_methods.FakeMethd", "fake_methods has no class 'FakeMethd'. Did you mean 'FakeMethod'"),
        ("--methods.plain=no_module.FakeMethod", "no module 'no_module' for 'no_module.FakeMethod'"),
        ("--methods.plain=fake_methods.Square", "'fake_methods.Square' is no Method. Known: .*FineTuning"),
        ("--methods.plain=Method", "'Method' is abstract"),
        ("--methods.with-part.smoothing=Sqare", "methods.with-part.smoothing: .*'Sqare'. Did you mean 'Square'"),
        ("--methods.with-part.smoothing.kid=soft", "methods.with-part.smoothing: .*'kid'. Did you mean 'kind'"),
        ("--methods.with-part.smoothing.amount=x", "methods.with-part.smoothing.amount: expected a number, got 'x'"),
        ("--methods.with-part.smoothing.kind=x", r"smoothing.kind: expected one of \['hard', 'soft'\], got 'x'"),
        ("--methods.a.b=x", "no method 'a.b'"),
        ("--methods.a%b=FakeMethod", "'a%b' cannot be a name"),
    ],
)
def test_an_option_that_cannot_work_is_answered_in_one_sentence(
    read: Callable[..., Configuration], option: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read(option)
    assert "\n" not in str(caught.value)
    assert "Namespace" not in str(caught.value)


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({"a": {"class_path": "fake_methods.FakeMethod", "init_arg": {}}}, "methods.a"),
        ({"a": {"class": "fake_methods.FakeMethod"}}, "methods.a: .*is abstract; name one of its subclasses"),
        ({"a": 7}, "methods.a: .*expected a class name"),
        ({"a": None}, "'methods.a' is required"),
        ({"a": {"class_path": "fake_methods.FakeMethod", "init_args": {"setps": 3}}}, "Did you mean 'steps'"),
    ],
)
def test_a_method_in_the_file_that_cannot_be_read_is_named(
    config_file: Callable[..., Path], methods: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        read_arguments([f"--config={config_file(methods=methods)}"]).check()


def test_fields_other_than_methods_are_checked_without_importing_any(config_file: Callable[..., Path]) -> None:
    path = config_file(methods={"a": {"class_path": "no_such_module.Method"}})
    assert read_arguments([f"--config={path}"]).check_without_methods().seeds == (0, 1)
    with pytest.raises(ConfigError, match="expected a whole number"):
        read_arguments([f"--config={path}", "--data.test_size=x"]).check_without_methods()


def test_the_help_names_every_shipped_configuration_and_every_field_of_a_data_set() -> None:
    text = help_text()
    for word in ("quick", "tiny", "mr-800", "labels_per_class:", "test_size:", "--dry-run", "--output"):
        assert word in text
