"""Sentences about how good a model is: verdicts, what was left out, and ONNX."""

from __future__ import annotations

from eventsieve.web.i18n import N_

__all__ = ["PARTS", "SENTENCES"]

SENTENCES = (
    # domain/evaluation/overtraining.py and training/folds.py: verdicts
    N_(
        "No class has training and validation events that can be compared; ROC AUC is {train:number} on training "
        "and {validation:number} on validation events."
    ),
    N_(
        "Training and validation scores differ no more than chance makes them differ (smallest corrected p = "
        "{p:number}); {size:words}."
    ),
    N_(
        "The model scores events that it was trained on differently from new events of {tests:words}; "
        "{size:words}, {extent:words}."
    ),
    N_("Figures on training events flatter the model; those on validation events remain valid."),
    N_(
        "These are the folds' models; each event is in both samples, scored by a model that was trained on it and "
        "by one that was not, which makes the test cautious."
    ),
    N_("The training events were not scored."),
    N_("There was no time for the permutations."),
    # domain/evaluation and training: what was left out
    N_(
        "The overtraining test of {label} used {ours:number} of {train:number} training and {theirs:number} of "
        "{validation:number} validation events, chosen at random."
    ),
    N_("There is no overtraining test of {label}: its event weights add up to nothing or less."),
    N_("Uncertainties were left out: there was no time for the bootstrap."),
    N_("There is no validation event of {name}."),
    N_("There is no {figure:words}: it is not defined for these events."),
    N_("In training events, hence in the test of overtraining: {text:words}"),
    N_("The test of overtraining was left out: there was no time for the permutations."),
    N_(
        "The event weights of {names} add up to nothing or less, so no fraction of them means anything: every "
        "event counts once instead."
    ),
    N_("Permutation importance was left out: there is no time to score the events again and again."),
    N_("Permutation importance used {used:number} of {all:number} validation events."),
    N_("Permutation importance had time for {done:number} of {all:number} repeats."),
    N_("Permutation importance is that of the first fold's model on the events that it never saw."),
    N_("The model was not evaluated: its {folds:number} folds were left out {why:words}."),
    N_("Figures are those of {done:number} of {folds:number} folds; the others were left out {why:words}."),
    N_("Training events were not scored: there was no time."),
    N_("Scores in training events are those of {used:number} of {all:number} events, chosen at random."),
    N_(
        "The model gives {count:number} of {all:number} events a score that is NaN or infinite, so nothing can be "
        "said of its quality; choose other hyperparameters, or leave out features with extreme values."
    ),
    N_(
        "The events to evaluate a model on are all of one class, and figures of merit need two; choose events of "
        "every class, or a larger part of them."
    ),
    # domain/onnx.py and service/exports.py
    N_("ONNX needs packages that are not installed ({name}): install eventsieve[onnx]."),
    N_("The ONNX file is not handed out: {reasons:words}."),
    N_("The trees have {count:number} nodes, and an ONNX file holds {most:number}; train fewer or flatter trees."),
    N_(
        "The probabilities of a support vector machine come from an iteration that ONNX has no operator for; "
        "train it with probability=false."
    ),
    N_("It could not be written in ONNX: {why:words}"),
    N_("It needs more memory than one slot may use."),
    N_("It was removed meanwhile; ask again."),
    N_("The model {name} cannot be had as ONNX: {why:words} Download the artefact instead."),
)

PARTS = (
    # domain/evaluation/overtraining.py
    N_("ROC AUC is {train:number} on training and {validation:number} on validation events"),
    N_("{label} (distance {distance:number}, corrected p = {p:number})"),
    N_("which is a small difference"),
    N_("a difference of {gap:number}"),
    # domain/onnx.py
    N_("its scores differ by up to {difference:number}, more than {limit:number}"),
    N_("it decides {count:number} of {all:number} events differently"),
)
