"""The catalogue of classifiers: one entry each, and what is checked before one is trained."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, Final

from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from eventsieve.domain.estimators.lightgbm import LightGBM
from eventsieve.domain.estimators.parameters import Parameter, parameters_of
from eventsieve.domain.estimators.reading import TWO_CLASSES, NotAccepted, read, shown
from eventsieve.errors import BadHyperparameters, UnknownModelType

__all__ = ["CATALOGUE", "WITHHELD", "Estimator", "Rule", "find", "reports", "resolve", "unknown"]

WITHHELD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "n_jobs": "every model trains in one slot, and the server sets how many threads that has",
        "verbose": "a training has no screen to write to",
        "monotonic_cst": "it numbers columns, and columns have names here",
        "categorical_features": "all features are numbers here",
        "scoring": "whether to stop early is told from the loss, which costs least",
    }
)
"""Parameters of scikit-learn that no entry takes, with the reason."""


@dataclass(frozen=True)
class Rule:
    """A combination of hyperparameters that scikit-learn would refuse only when it fits.

    Attributes:
        names: the parameters it looks at, the one to blame first.
        broken: whether these resolved hyperparameters are such a combination.
        cure: a sentence saying what goes together.
        several: whether it is one only where there are more than two classes.
    """

    names: tuple[str, ...]
    broken: Callable[[Mapping[str, Any]], bool]
    cure: str
    several: bool = False


@dataclass(frozen=True)
class Estimator:
    """One entry of the catalogue.

    Attributes:
        name: the type's name in the interfaces.
        title: its name for people.
        classifier: scikit-learn's class.
        scaled: whether it needs features of one size.
        rules: combinations of hyperparameters that do not go together.
        unit: what its fit counts; empty where it cannot tell how far it is.
        important: the parameters that a physicist turns first, in that order; forms show them before the others.
        gaps: whether it takes undefined features as they are, so that nothing is put in their place.
        package: what has to be installed beside scikit-learn for it to be trained; a trained one needs nothing.
    """

    name: str
    title: str
    classifier: type
    scaled: bool
    rules: tuple[Rule, ...] = ()
    unit: str = ""
    important: tuple[str, ...] = ()
    gaps: bool = False
    package: str = ""

    @property
    def available(self) -> bool:
        """Whether it can be trained with what is installed."""
        return not self.package or find_spec(self.package) is not None

    @property
    def keepable(self) -> bool:
        """Whether there are hyperparameters with which a fit can be stopped and kept as it is, the defaults first."""
        return bool(self.unit) and self.can_keep({each.name: each.default for each in self.parameters})

    def can_keep(self, values: Mapping[str, Any]) -> bool:
        """Whether a fit with these resolved hyperparameters tells how far it is, and can be stopped and kept."""
        return bool(self.unit) and reports(values, self.classifier)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its hyperparameters, sorted by name."""
        # "precomputed" asks for a matrix of events by events where a table of features comes.
        return parameters_of(self.classifier, without=WITHHELD, not_choices={"precomputed"})

    def faults(self, given: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, str]:
        """The sentence about each name in ``given`` that this type does not have.

        One that it may not be given is no fault when it is empty: forms send the fields that nobody filled.
        """
        empty = {name for name in WITHHELD if given.get(name) == ""}
        return {str(name): self._unknown(str(name)) for name in given if name not in values and name not in empty}

    def _unknown(self, name: str) -> str:
        if name in WITHHELD:
            return f"{name} is not accepted: {WITHHELD[name]}. Leave it out."
        names = [parameter.name for parameter in self.parameters]
        close = difflib.get_close_matches(name, names, n=1)
        guess = f" Did you mean {close[0]}?" if close else ""
        return f"{self.name} has no parameter {shown(name)}.{guess} It has {', '.join(names)}."


def reports(values: Mapping[str, Any], classifier: type) -> bool:
    """Whether a fit of this class with these hyperparameters reports its iterations; most of those that have any do.

    Of logistic regressions only the solver lbfgs does, and from scikit-learn 1.9 on.
    """
    return classifier is not LogisticRegression or (
        values["solver"] == "lbfgs" and hasattr(classifier, "set_callbacks")
    )


def _penalty(values: Mapping[str, Any]) -> str | None:
    """The penalty that LogisticRegression will use; ``penalty`` is the old way of saying it."""
    if values["penalty"] != "deprecated":
        return values["penalty"]  # type: ignore[no-any-return]
    if values["C"] == "inf":
        return None
    return {None: "l2", 0.0: "l2", 1.0: "l1"}.get(values["l1_ratio"], "elasticnet")


_LOGISTIC: Final = (
    Rule(
        ("l1_ratio", "penalty", "C", "solver"),
        lambda v: _penalty(v) == "l1" and v["solver"] not in ("liblinear", "saga"),
        "An l1 penalty (l1_ratio=1) needs solver='liblinear' or 'saga'.",
    ),
    Rule(
        ("l1_ratio", "penalty", "C", "solver"),
        lambda v: _penalty(v) == "elasticnet" and v["solver"] != "saga",
        "An elastic-net penalty (0 < l1_ratio < 1) needs solver='saga'.",
    ),
    Rule(
        ("l1_ratio", "penalty"),
        lambda v: v["penalty"] == "elasticnet" and v["l1_ratio"] is None,
        "penalty='elasticnet' needs l1_ratio, a number from 0 up to 1.",
    ),
    Rule(
        ("l1_ratio", "penalty", "C", "solver"),
        lambda v: (
            (v["l1_ratio"], v["penalty"], v["C"]) == (None, "deprecated", "inf") and v["solver"] in ("sag", "saga")
        ),
        "C=inf with solver='sag' or 'saga' needs l1_ratio, a number from 0 up to 1.",
    ),
    Rule(
        ("solver", "penalty", "C"),
        # With an explicit penalty scikit-learn lets liblinear start with C=inf, which does not end.
        lambda v: v["solver"] == "liblinear" and (v["penalty"] is None or v["C"] == "inf"),
        "solver='liblinear' needs a penalty: a finite C, and penalty not null.",
    ),
    Rule(
        ("dual", "solver"),
        lambda v: v["dual"] and v["solver"] != "liblinear",
        "dual=true needs solver='liblinear'.",
    ),
    Rule(
        ("dual", "l1_ratio", "penalty", "C"),
        lambda v: v["dual"] and _penalty(v) == "l1",
        "dual=true needs an l2 penalty (l1_ratio=0).",
    ),
    Rule(
        ("solver",),
        lambda v: v["solver"] == "liblinear",
        "solver='liblinear' needs two classes, and there are more; choose another solver, such as 'lbfgs'.",
        several=True,
    ),
)
_VECTORS: Final = (
    Rule(
        ("break_ties", "decision_function_shape"),
        lambda v: v["break_ties"] and v["decision_function_shape"] == "ovo",
        "break_ties=true needs decision_function_shape='ovr'.",
    ),
)
_FOREST: Final = (
    Rule(
        ("oob_score", "bootstrap"),
        lambda v: v["oob_score"] and not v["bootstrap"],
        "oob_score=true needs bootstrap=true.",
    ),
    Rule(
        ("max_samples", "bootstrap"),
        lambda v: v["max_samples"] is not None and not v["bootstrap"],
        "max_samples needs bootstrap=true.",
    ),
)
_BOOSTING: Final = (
    Rule(
        ("loss",),
        lambda v: v["loss"] == "exponential",
        "loss='exponential' needs two classes, and there are more; choose loss='log_loss'.",
        several=True,
    ),
)

# To add an estimator:
# 1. An entry below. A parameter that takes objects, functions or files, or that writes: add it to WITHHELD with why.
# 2. Combinations that its `fit` refuses become rules; the test that fits all combinations of texts finds them.
# 3. If its fit can tell how far it is: its unit here, and a function in `fitting._STEPS`.
# 4. Its types into `persist.TRUSTED`, after reading the checklist there; its law into `laws.LAWS`; its arithmetic into
#    `onnxgraph._SCORED`.
# 5. `python -m pytest tests/unit/test_estimators.py tests/unit/test_persist.py tests/unit/test_fitting.py
#    tests/unit/test_estimation.py tests/integration/test_onnx.py`: all run over the whole catalogue.
#    What scikit-learn's checks cannot expect of it goes into EXPECTED_FAILURES, with the reason.
# 6. `make messages`: the pages translate its title and the help of its parameters. `important` says which of them the
#    form shows first.
# 7. A line in docs/estimators.md and one in the changelog.
CATALOGUE: Final[Mapping[str, Estimator]] = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            Estimator(
                "LogReg",
                "Logistic regression",
                LogisticRegression,
                True,
                _LOGISTIC,
                unit="iterations",
                important=("C", "l1_ratio", "solver", "max_iter", "tol", "class_weight"),
            ),
            Estimator(
                "SVM",
                "Support vector machine",
                SVC,
                True,
                _VECTORS,
                important=("kernel", "C", "gamma", "degree", "max_iter", "class_weight"),
            ),
            Estimator(
                "RandomForest",
                "Random forest",
                RandomForestClassifier,
                False,
                _FOREST,
                unit="trees",
                important=(
                    "n_estimators",
                    "max_depth",
                    "min_samples_leaf",
                    "max_features",
                    "max_samples",
                    "class_weight",
                ),
            ),
            Estimator(
                "GradientBoosting",
                "Gradient boosting",
                GradientBoostingClassifier,
                False,
                _BOOSTING,
                unit="stages",
                important=(
                    "n_estimators",
                    "learning_rate",
                    "max_depth",
                    "subsample",
                    "min_samples_leaf",
                    "max_features",
                ),
            ),
            Estimator(
                "HistGradientBoosting",
                "Histogram gradient boosting",
                HistGradientBoostingClassifier,
                False,
                unit="stages",
                important=(
                    "max_iter",
                    "learning_rate",
                    "max_leaf_nodes",
                    "min_samples_leaf",
                    "l2_regularization",
                    "early_stopping",
                ),
                gaps=True,
            ),
            Estimator(
                "LightGBM",
                "LightGBM",
                LightGBM,
                False,
                unit="stages",
                important=(
                    "n_estimators",
                    "learning_rate",
                    "num_leaves",
                    "min_child_samples",
                    "subsample",
                    "colsample_bytree",
                ),
                gaps=True,
                package="lightgbm",
            ),
        )
    }
)
"""The classifiers that can be trained, by name."""


def resolve(
    type_name: str, given: Mapping[str, Any] | None = None, classes: Sequence[str] = TWO_CLASSES
) -> dict[str, Any]:
    """Every hyperparameter of a type with the value that will be used, as JSON.

    Args:
        type_name: a name in `CATALOGUE`.
        given: what the client sent, by scikit-learn's names; a missing name or an empty text is the default, and text
            is read by the parameter's own types. Infinity is the text ``"inf"``. The weights of the classes are
            ``{"s": signal, "b": background}``, or by other names or codes of classes.
        classes: names of the classes in the order of their codes, background before signal.

    Returns:
        The values by name, sorted; resolving them again changes nothing.

    Raises:
        UnknownModelType: there is no such type.
        BadHyperparameters: names or values that it does not take, all of them.
    """
    estimator = find(type_name)
    given = given or {}
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for parameter in estimator.parameters:
        values[parameter.name] = parameter.default
        try:
            values[parameter.name] = read(parameter, given.get(parameter.name, ""), classes)
        except NotAccepted as exc:
            faults[parameter.name] = str(exc)
    for rule in estimator.rules:
        if rule.several and len(classes) <= 2:
            continue
        if faults.keys().isdisjoint(rule.names) and rule.broken(values):
            faults[rule.names[0]] = rule.cure
    faults |= estimator.faults(given, values)
    if faults:
        raise BadHyperparameters(faults)
    return values


def find(type_name: str) -> Estimator:
    """The entry of that name.

    Raises:
        UnknownModelType: there is none.
    """
    try:
        return CATALOGUE[type_name]
    except KeyError:
        raise UnknownModelType(unknown(type_name, tuple(CATALOGUE))) from None


def unknown(type_name: str, offered: Sequence[str]) -> str:
    """Why there is no such type to be trained, and what there is.

    Args:
        type_name: what was asked for.
        offered: the types that there are.
    """
    entry = CATALOGUE.get(type_name)
    if entry is not None and not entry.available:
        return f"{type_name} needs {entry.package}, which is not installed: install eventsieve[fast]."
    return f"There is no model type {shown(type_name)}; there are: {', '.join(offered)}."
