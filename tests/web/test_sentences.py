"""The templates of what the server says are what its code says, and give whole sentences in the reader's language."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import numpy as np
import pyarrow as pa
import pytest

from eventsieve.acting import Call, serving
from eventsieve.client import answers
from eventsieve.domain import estimation
from eventsieve.domain.estimators import CATALOGUE
from eventsieve.domain.evaluation import overtraining
from eventsieve.domain.events import Events, check
from eventsieve.domain.exploration import drift, explore
from eventsieve.domain.laws import Size
from eventsieve.domain.schema import load_schema
from eventsieve.errors import BadModels, BadTable, EventsieveError, ServerUnreachable
from eventsieve.records import (
    AccessRole,
    Actor,
    ClassifierTest,
    Column,
    Drift,
    FeatureDrift,
    PastTraining,
    Schema,
    State,
)
from eventsieve.service.access import Access, refuse_others
from eventsieve.storage import containers, holdings
from eventsieve.web.places import Place
from eventsieve.web.sentences import place_in_words, translated_sentence
from eventsieve.web.sentences.templates import PLACEHOLDER
from eventsieve.web.sentences.translating import ALL_PARTS, ALL_SENTENCES
from web.appt import alerts, open_page
from web.fakes import FakeClient

SOURCE = Path(__file__).parents[2] / "src" / "eventsieve"
SERVER = (
    "domain",
    "service",
    "training",
    "storage",
    "api",
    "client",
    "errors.py",
    "web/widgets/eda/reports.py",
    "web/door.py",
    "web/guard.py",
)


def said_by(node: ast.expr) -> str | None:
    """A text of the source, with a sign in place of each value that is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(each.value) if isinstance(each, ast.Constant) else "\0" for each in node.values)
    return None


def all_said() -> Iterator[str]:
    for room in SERVER:
        place = SOURCE / room
        for path in [place] if place.suffix else sorted(place.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.expr) and (text := said_by(node)):
                    yield text


@cache
def source() -> tuple[str, ...]:
    return tuple(dict.fromkeys(all_said()))


def found_in(template: str, texts: Iterator[str] | tuple[str, ...]) -> bool:
    pattern = re.compile(r"[^\n]*?".join(map(re.escape, PLACEHOLDER.split(template)[::3])))
    return any(pattern.search(text) for text in texts)


def refused(action: Callable[[], Any]) -> list[str]:
    """What is said when this is refused."""
    with pytest.raises(EventsieveError) as caught:
        action()
    faults = getattr(caught.value, "faults", None)
    return list(faults.values() if isinstance(faults, dict) else faults or ()) or [str(caught.value)]


HIGGS = load_schema("atlas-higgs-2014")
GOOD = {c.name: [1.0, 2.0] if c.dtype == "float64" else [1, 2] for c in HIGGS.columns} | {"Label": ["s", "b"]}
"""Two events."""
FEATURE = HIGGS.feature_names[0]
CLOSED = Schema(name="closed", columns=HIGGS.columns, signal="s", background=("b",), gaps=False, undefined=-999.0)
HEADER_NUMBERS = {str(float(n)): [1.0] for n in range(40)}


def faults_of(changes: dict[str, list[Any]], given: Schema = HIGGS, *, without: int = 0) -> list[str]:
    columns = GOOD | changes
    return refused(lambda: check(pa.table(dict(list(columns.items())[without:])), given, labels="both classes"))


def of_tables() -> Iterator[str]:
    bad = pa.table(GOOD | {FEATURE: ["x", "2"]})
    yield from refused(lambda: check(bad, HIGGS, labels="both classes", line_of=lambda row: row + 2))
    yield from faults_of({FEATURE: ["x", "y"]})
    yield from faults_of({FEATURE: [float("inf"), 1.0]}, CLOSED)
    yield from faults_of({FEATURE: [float("nan"), float("nan")]}, CLOSED)
    yield from faults_of({"EventId": [1, 1]})
    yield from faults_of({name: value * 2 for name, value in GOOD.items()} | {"EventId": [1, 1, 2, 2]})
    yield from faults_of({"EventId": ["1.5", "2"]})
    yield from faults_of({"Label": ["s", "s"]})
    yield from faults_of({"Label": ["b", "b"]})
    yield from faults_of({"Label": ["s", "x"]})
    yield from faults_of({"Label": ["y", ""]})
    yield from faults_of({}, without=1)
    yield from faults_of({}, without=2)
    yield from faults_of({}, without=30)
    yield from refused(lambda: check(pa.table({"DER_mass_MMC": [1.0], "other": [2]}), HIGGS, labels="both classes"))
    yield from refused(lambda: check(pa.table(HEADER_NUMBERS), HIGGS, labels="both classes"))


def of_archives() -> Iterator[str]:
    yield from refused(lambda: (_ for _ in ()).throw(containers._damaged("zip")))
    yield from refused(lambda: (_ for _ in ()).throw(containers._damaged("")))
    archive = type("Archive", (), {"namelist": lambda _: [], "infolist": lambda _: []})()
    yield from refused(lambda: containers._only_member(archive, ""))


def of_estimates() -> Iterator[str]:
    past = [
        PastTraining(
            type="SVM",
            hyperparameters={},
            events=12_000,
            features=3,
            classes=2,
            seconds=1.0,
            peak_memory=1,
            state=state,
        )
        for state in (State.TRAINED, State.TIMED_OUT)
    ]
    size = Size(20_000, 30, 2)
    yield estimation._basis("Random forest", [], 10)
    yield estimation._basis("Support vector machine", past[:1], 10)
    yield estimation._basis("Gradient boosting", past, 10)
    for seconds, folds in product((50.0, 500.0, 10_000.0, 500_000.0), (0, 5)):
        yield from estimation._verdict("Random forest", size, folds, seconds, 30.0)
    yield estimation._too_large("Logistic regression", size, 2**31, 2**30)


def of_drift() -> Iterator[str]:
    told = ClassifierTest(
        classifier="gradient-boosted trees",
        auc=0.7,
        uncertainty=0.01,
        p_value=0.0,
        corrected=0.0,
        drifted=True,
        folds=2,
        first_events=10,
        second_events=10,
    )
    feature = FeatureDrift(
        feature="mass",
        distance=0.25,
        distance_p=0.0,
        undefined_shift=0.1,
        undefined_p=0.0,
        mean_shift=-1.5,
        p_value=0.001,
        corrected=0.01,
        drifted=True,
    )
    none = Drift(
        verdict="not tested",
        reason="",
        features=(),
        classifier=None,
        first_events=10,
        second_events=10,
        left_out=0,
        sensitivity=None,
        level=0.05,
        tolerable=0.1,
    )
    calm = none.model_copy(update={"features": (feature,), "classifier": told.model_copy(update={"drifted": False})})
    yield drift._no_drift(none)
    yield drift._no_drift(calm.model_copy(update={"sensitivity": 0.012}))
    yield drift._drifts([], told, "Drift in")
    for found, classifier in product(([feature], [feature] * 9), (None, told)):
        yield drift._drifts(found, classifier, "Drift in")
    yield f"{drift._drifts([feature], None, 'Slight drift in')} It is significant with so many events, and small."


def of_explorations() -> Iterator[str]:
    plain = Schema(
        name="two",
        columns=(
            Column(name="pt", dtype="float64"),
            Column(name="eta", dtype="float64"),
            Column(name="w", dtype="float64", role="weight"),
            Column(name="l", dtype="object", role="label"),
        ),
        signal="s",
        background=("b",),
    )
    random = np.random.default_rng(1)
    first = np.repeat(random.normal(size=(400, 1)), 2, axis=1)
    label = np.arange(400) < 20
    weight = np.where(np.arange(400) < 3, -1.0, 1.0)
    ours = Events(plain, np.vstack([first[:399], first[:1]]), np.zeros(400, np.int64), weight, label.view(np.uint8))
    theirs = Events(plain, first + 1.0, np.arange(400), weight, (~label).view(np.uint8))
    constant = Events(plain, np.ones((9, 2)) * [1.0, np.nan], np.arange(9), None, np.ones(9, np.uint8))
    for found in (explore(ours), explore(ours, theirs), explore(ours, ours), explore(constant)):
        yield from found.findings


def of_hyperparameters(client: FakeClient) -> Iterator[str]:
    for each in (parameter for type_ in CATALOGUE.values() for parameter in type_.parameters):
        yield f"{each.name} does not take 'x'; it takes {each.allowed()}."
    wrong = {"C": -1, "verbose": 2, "D": 3, "class_weight": "x", "penalty": "l3", "max_iter": 0}
    yield from refused(lambda: client.estimate(client.labelled, [{"type": "LogReg", "hyperparameters": wrong}]))
    wrong = {"n_estimators": "many", "max_depth": 0, "max_features": "x", "ccp_alpha": -1}
    yield from refused(lambda: client.estimate(client.labelled, [{"type": "RandomForest", "hyperparameters": wrong}]))


CUTS = [
    "PRI_jet_num",
    "PRI_jet_num > ",
    "PRI_jet_num >= 2 3",
    "(PRI_jet_num > 2",
    "PRI_jet_num = 2",
    "PRI_jet_nun > 2",
    "x.y > 2",
    "PRI_jet_num ^ 2 > 1",
    "2 > Label",
    'Label == "t"',
    "Label > 2",
    "DER_mass_MMC == -999",
    "abs(PRI_jet_num > 2) > 1",
    "PRI_jet_num > 2 and 3",
    "`PRI > 2",
    "'x > 2",
    '"x > 2',
    "PRI_jet_num > 1e999",
    "PRI_jet_num, 2",
    "zzzzzzz > 1",
    " ",
    "\N{SECTION SIGN}",
    "1 > 0 > (",
    "(" * 200,
    "1 > 2 " * 2000,
    "1 + (2 > 1)",
]


def of_requests(client: FakeClient) -> Iterator[str]:
    data, model = client.labelled, client.model("logistic")
    yield from data.explore(client.unlabelled, cut="PRI_jet_num >= 2").findings
    for cut in CUTS:
        yield from refused(lambda cut=cut: data.explore(cut=cut))
    for action in (
        lambda: client.model("no such"),
        lambda: client.dataset("no such"),
        lambda: client.job("no such"),
        lambda: model.rename(""),
        lambda: model.rename("forest"),
        lambda: model.rename("n" * 200),
        lambda: model.tag("t" * 200),
        lambda: model.set_threshold(7.0),
        lambda: client.set_alias("current", "logistic"),
        lambda: client.set_alias("", "logistic"),
        lambda: client.train(data, ["NoSuch"], wait=False),
        lambda: client.train(data, [{"type": "SVM", "name": "logistic"}], wait=False),
        lambda: data.edit(label="Labell"),
        lambda: data.edit(label="zzzzzzzz"),
        lambda: data.edit(schema="x"),
        lambda: data.edit(signal="q"),
        lambda: data.edit(weight="Label"),
        lambda: data.edit(index="Label"),
        lambda: data.edit(label="Label", weight="Label"),
        lambda: client.train(client.unlabelled, ["SVM"], wait=False),
        lambda: data.rename(""),
        lambda: client.drop_alias("x"),
        lambda: client.upload({"a": ["x", "y"], "b": ["u", "v"]}),
    ):
        yield from refused(action)


def of_access() -> Iterator[str]:
    nobody = Mock(**{"holder.return_value": None})
    for token in ("es_1_a", "ess_a"):
        yield from refused(lambda token=token: Access(nobody, Mock(), session_hours=1).actor(token))
    with serving(Call(Actor(name="bob", role=AccessRole.TRAINER))):
        for what, by in product(("the model 'm1'", "the data set 'd'", "the job j1"), ("ann", "")):
            yield from refused(lambda what=what, by=by: refuse_others(what, by))
    held = [Mock(kind="model", id="m1", size=5 << 20), Mock(kind="data set", id="d1", size=4 << 20)]
    for largest, size in product(([], held), (1, 3 << 20)):
        with patch.multiple(holdings, _kept=lambda *_: 9 << 20, _largest=lambda *_, largest=largest: largest):
            yield from refused(lambda size=size: holdings.refuse_beyond(Mock(), "bob", 9 << 20, size=size))


@pytest.fixture(scope="module")
def said() -> tuple[str, ...]:
    """What the server is heard to say."""
    client = FakeClient.filled()
    found = [*of_tables(), *of_archives(), *of_estimates(), *of_drift(), *of_explorations(), *of_access()]
    found += [*of_hyperparameters(client), *of_requests(client)]
    found += [text for data in client.datasets() for text in data.warnings]
    found += [
        text
        for model in client.models()
        if (each := model.get_evaluation())
        for text in (each.verdict_reason, *each.left_out)
    ]
    found += overtraining._verdict([], 0.9, 0.8)[1:]
    found += refused(lambda: answers.member({}, "items")) + refused(lambda: answers.record(Column, {}))
    client.close()
    return tuple(dict.fromkeys(found))


@pytest.mark.parametrize("template", [*ALL_SENTENCES, *ALL_PARTS])
def test_the_server_says_what_a_template_says(template, said):
    # Some sentences are put together from pieces; the server is made to say those.
    assert found_in(template, source()) or found_in(template, said)


ENGLISH = re.compile(
    r"\b(the|is|are|of|has|have|not|with|there|that|choose|which|it|this|more|than|from|to)\b", re.IGNORECASE
)
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\([^)]*=\w+\)|not defined\(|\band\b, \bor\b, not")


def test_nothing_that_the_server_is_heard_to_say_stays_english(said):
    left = {text: translated_sentence(text, "ru") for text in said}
    assert {text: shown for text, shown in left.items() if ENGLISH.search(QUOTED.sub("", shown))} == {}
    assert len(left) > 100


def test_english_stays_as_it_is(said):
    assert all(translated_sentence(text, "en") == text for text in said)


@pytest.mark.parametrize(
    ("english", "russian"),
    [
        ("There is no model 'a. b'; there are: 'm1', 'm2'.", "Модели 'a. b' нет; есть: 'm1', 'm2'."),
        (
            (
                "Used 1,234.5 MB of memory, more than the 1000 MB of one slot; choose smaller parameters, fewer "
                "events, or raise MEMORY_LIMIT_MB."
            ),
            (
                "Занято 1\xa0234,5 МБ памяти, больше отведённых 1\xa0000 МБ; выберите меньшие параметры, меньше "
                "событий или увеличьте MEMORY_LIMIT_MB."
            ),
        ),
        (
            "Drift in mass (KS distance 0.250, undefined +1.5 %) and 3 more. It is unheard of.",
            "Смещение: mass (расстояние КС 0,250, не определено +1,5 %) и ещё 3. It is unheard of.",
        ),
        (
            "C does not take 'a or b'; it takes a number above 0 up to and with inf.",
            "C не принимает 'a or b'; можно: число больше 0, можно inf.",
        ),
        ("events.csv: Column Label is missing.", "events.csv: Нет столбца Label."),
        (
            (
                "The model scores events that it was trained on differently from new events of b (distance 0.083, "
                "corrected p = 0.002), s (distance 0.216, corrected p = 0.002); ROC AUC is 0.9932 on training and "
                "0.9343 on validation events, a difference of 0.059."
            ),
            (
                "Модель по-разному откликается на обучающие и на новые события: b (расстояние 0,083, p с "
                "поправкой 0,002), s (расстояние 0,216, p с поправкой 0,002); ROC AUC на обучающих событиях "
                "0,9932, на проверочных 0,9343, разница 0,059."
            ),
        ),
        ("Nothing like it.", "Nothing like it."),
        ("x" * 100_000, "x" * 100_000),
        ("Left out: " + "a (" * 900 + ".", "Не используются: " + "a (" * 900 + "."),
    ],
)
def test_sentences_are_taken_apart(english, russian):
    assert translated_sentence(english, "ru") == russian


@pytest.mark.parametrize(
    ("pointer", "words"),
    [
        ("/models/1/hyperparameters/C", "model 2, C"),
        ("/models/0/name", "model 1, name"),
        ("/models/2", "model 3"),
        ("/models/0/hyperparameters/a~1b", "model 1, a/b"),
        ("C", "C"),
        ("", ""),
    ],
)
def test_places_are_words(pointer, words):
    assert place_in_words(pointer) == words


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BadTable("The table has a header but no events."), "таблице есть заголовок, но нет событий"),
        (ServerUnreachable("http://x", "refused"), "Нет ответа от"),
        (
            BadModels({"/models/1/type": "There is no model type 'a'; there are: SVM."}),
            "модель 2, тип: Типа модели 'a' нет",
        ),
    ],
)
def test_refusals_on_the_page_are_in_the_readers_language(error, told):
    app = open_page(Place.MODELS, client=FakeClient(failing=error), language="ru")
    assert told in " ".join(alerts(app)).replace("\\", "")
