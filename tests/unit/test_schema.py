from __future__ import annotations

import pytest

from eventsieve.domain.schema import load_schema, schema_names
from eventsieve.errors import BadConfiguration
from eventsieve.records import Column, Schema


@pytest.fixture(scope="module")
def atlas() -> Schema:
    return load_schema("atlas-higgs-2014")


def test_every_schema_that_comes_along_is_whole() -> None:
    assert "atlas-higgs-2014" in schema_names()
    for name in schema_names():
        schema = load_schema(name)
        assert schema.name == name
        assert len({column.name for column in schema.columns}) == len(schema.columns)
        assert schema.index.role == "index"
        assert schema.label.role == "label"
        assert all(column.description for column in schema.columns)


def test_the_columns_of_the_atlas_schema_are_those_of_the_published_table(atlas: Schema) -> None:
    types = {column.name: column.dtype for column in atlas.columns}
    assert len(types) == 33
    assert [n for n, t in types.items() if t == "int64"] == ["EventId", "PRI_jet_num"]
    assert [n for n, t in types.items() if t == "object"] == ["Label"]
    assert sum(n.startswith("DER_") for n in atlas.feature_names) == 13
    assert sum(n.startswith("PRI_") for n in atlas.feature_names) == 17
    assert len(atlas.features) == 30
    assert (atlas.index.name, atlas.label.name, atlas.non_features) == ("EventId", "Label", ("Weight",))
    assert atlas.weight is not None
    assert atlas.undefined == -999.0


def test_an_unknown_schema_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadConfiguration, match=r"no event schema 'cms'.*atlas-higgs-2014"):
        load_schema("cms")


def test_no_settings_change_nothing(atlas: Schema) -> None:
    assert atlas.adapted() == atlas
    named = atlas.adapted(target="Label", signal="s", non_features=["Weight"], index="EventId")
    assert named == atlas


def test_adapting_leaves_no_stale_roles_behind(atlas: Schema) -> None:
    before = atlas.features, atlas.label, atlas.index, atlas.non_features  # cached from here on
    adapted = atlas.adapted(non_features=["PRI_met"])
    assert adapted.non_features == ("PRI_met", "Weight")
    assert "PRI_met" not in adapted.feature_names
    assert before == (atlas.features, atlas.label, atlas.index, atlas.non_features)


def test_a_new_target_makes_a_spectator_of_the_old_one(atlas: Schema) -> None:
    adapted = atlas.adapted(target="PRI_jet_num")
    assert adapted.label.name == "PRI_jet_num"
    assert adapted.non_features == ("Weight", "Label")
    assert len(adapted.features) == 29


def test_a_new_index_makes_a_spectator_of_the_old_one(atlas: Schema) -> None:
    adapted = atlas.adapted(index="PRI_jet_num")
    assert adapted.index.name == "PRI_jet_num"
    assert "EventId" in adapted.non_features


def test_the_weight_is_never_trained_on(atlas: Schema) -> None:
    adapted = atlas.adapted(non_features=[])
    assert adapted.weight is not None
    assert "Weight" not in adapted.feature_names


def test_a_spectator_that_is_no_longer_named_is_a_feature_again(atlas: Schema) -> None:
    adapted = atlas.adapted(non_features=["PRI_met"]).adapted(non_features=["Weight"])
    assert adapted.feature_names == atlas.feature_names


@pytest.mark.parametrize(
    ("signal", "background", "sums"),
    [("s", ("b",), 2), ("b", ("s",), 2), ("1", (), 0)],
)
def test_another_signal(atlas: Schema, signal: str, background: tuple[str, ...], sums: int) -> None:
    adapted = atlas.adapted(signal=signal)
    assert (adapted.signal, adapted.background, len(adapted.class_weight_sums)) == (signal, background, sums)


def test_the_order_of_the_backgrounds_is_kept(atlas: Schema) -> None:
    schema = Schema.model_validate(atlas.model_dump() | {"background": ("z", "tt", "w")})
    assert schema.adapted(signal="tt").background == ("s", "z", "w")


def test_columns_of_another_table(atlas: Schema) -> None:
    adapted = atlas.adapted(
        columns={"id": "int64", "pt": "float64", "PRI_met": "float64", "truth": "object", "comment": "object"},
        target="truth",
        index="id",
        non_features=["comment"],
        signal="yes",
    )
    assert [(c.name, c.role) for c in adapted.columns] == [
        ("id", "index"), ("pt", "feature"), ("PRI_met", "feature"), ("truth", "label"), ("comment", "spectator"),
    ]  # fmt: skip
    assert adapted.weight is None
    assert {c.name: c.unit for c in adapted.columns}["PRI_met"] == "GeV"


def test_a_listed_column_takes_the_listed_type(atlas: Schema) -> None:
    types = {c.name: c.dtype for c in atlas.columns} | {"PRI_jet_num": "float64"}
    adapted = atlas.adapted(columns=types)
    assert {c.name: c.dtype for c in adapted.features}["PRI_jet_num"] == "float64"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": "Lable"}, "does not list: Lable"),
        ({"index": "Event", "non_features": ["W"]}, "does not list: Event, W"),
        ({"target": "EventId"}, "exactly one index column; set INDEX_COL"),
        ({"target": "EventId", "index": "EventId"}, "exactly one index column"),
        ({"columns": {"EventId": "int64", "a": "float64"}}, "exactly one label column; set TARGET_COL"),
        ({"columns": {"EventId": "int64", "Label": "object", "a": "object"}}, "Text cannot be trained on: a."),
        ({"columns": {"EventId": "int64", "Label": "object"}}, "no column to train on"),
    ],
)
def test_settings_that_do_not_fit_are_refused(atlas: Schema, settings: dict[str, object], message: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        atlas.adapted(**settings)  # type: ignore[arg-type]
    assert message in str(refused.value)


def test_a_column_says_nothing_that_is_not_in_its_record() -> None:
    with pytest.raises(ValueError, match="roll"):
        Column.model_validate({"name": "x", "dtype": "int64", "roll": "index"})


def test_another_experiments_columns_do_not_bear_the_schemas_name(atlas: Schema) -> None:
    own = atlas.adapted(index="n", target="kind", columns={"n": "int64", "pt": "float64", "kind": "object"})
    assert own.name == "DATASET_COLS"
    assert "ATLAS" not in own.title + own.source
    assert own.class_weight_sums == {}
    fewer = atlas.adapted(columns={"EventId": "int64", "PRI_tau_pt": "float64", "Label": "object"})
    assert (fewer.name, fewer.source) == (atlas.name, atlas.source)
