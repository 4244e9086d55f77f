"""Sentences about jobs, hyperparameters, and how trainings end."""

from __future__ import annotations

from eventsieve.web.i18n import N_

__all__ = ["PARTS", "SENTENCES"]

SENTENCES = (
    # service/jobs.py: jobs that cannot be, and their warnings
    N_("The name {name} is taken by a model, an alias or a training, or given twice; choose another."),
    N_("There is no model type {name}; there are: {names}."),
    N_("{type} needs {package}, which is not installed: install eventsieve[fast]."),
    N_(
        "Of the data set to validate on, {seen:number} of {all:number} events have the same features as events to "
        "train on, and what is left has not two classes; name another, or hold out a part of this one."
    ),
    N_(
        "{seen:number} of the {all:number} events to validate on have the same features as events to train on; "
        "they were left out of the validation."
    ),
    N_(
        "The data set {name} has no column of weights; name one in its schema, or train with weights 'none' or "
        "'balanced'."
    ),
    N_(
        "{count:number} events have negative weights, and classifiers are not defined on them; set "
        "negative_weights to 'drop' or 'absolute' for the training (the evaluation keeps the true weights), or "
        "weights to 'none'."
    ),
    N_(
        "{again:number} of {all:number} events have the same features as another, so a model may be validated on "
        "events like those that it was trained on; if they are copies, take them out of the table."
    ),
    N_(
        "The model {name} is expected to take {seconds:number} s and {memory:number} MB, more than the limits "
        "({limits:words}); raise them, or take fewer events."
    ),
    N_("The events that {name} was trained on are gone; upload them again."),
    N_(
        "{tasks:number} models are to be trained and {free:number} of {slots:number} training slots are free; "
        "send fewer models, or wait until others are trained."
    ),
    N_("There is no job {id}; the list of jobs has those there are."),
    N_("The job {id} trains no model {name}; it trains {names}."),
    N_("What is unfinished of {names} cannot be kept; wait for the end, or cancel."),
    N_("The job {id} is trained by another process over the same store; end it there."),
    # domain/estimators: hyperparameters
    N_("{name} does not take {value}; it takes {allowed:words}."),
    N_("{name} is not accepted: {why:words}."),
    N_("{type} has no parameter {name}."),
    N_("Did you mean {name}?"),
    N_("It has {names}."),
    # domain/splitting.py and domain/estimators: too few events, and weights
    N_(
        "There are only {count:number} events of {name:words}, too few to be in every part of the validation; "
        "send more of them, choose a stratified split or larger parts, or train without validation."
    ),
    N_(
        "{folds:number} folds need {least:number} events of each class, and there are {count:number} of "
        "{name:words}; {cure:words}send more events, or train without validation."
    ),
    N_(
        "{events:number} events, {what:words}, are too few to hold out {share:number} of each class; send more "
        "events, or hold out none."
    ),
    N_("There are no events of class {name}; a training needs some of every class."),
    N_("The events have no weights; say which column holds them, or train with weights 'none' or 'balanced'."),
    N_("The weights of class {name} add up to nothing; train with weights 'none', or leave that class out."),
    N_(
        "{count:number} of {all:number} events have a negative weight (most of them of class {name}), and a "
        "classifier cannot be trained on such; choose negative_weights 'drop' to train without these events or "
        "'absolute' to take their weights without sign, or weights 'none'."
    ),
    N_("{count:number} events of negative weight were not trained on."),
    N_("{count:number} negative event weights were taken without sign in training."),
    # training: how a training ends
    N_("Cancelled while it was training."),
    N_("Cancelled before it started."),
    N_("Stopped before it started; there was nothing to keep."),
    N_("Stopped by request before there was anything to keep."),
    N_("Stopped before anything was done that could be kept; give it more time or fewer events."),
    N_("The process was not ready after {time:number} s."),
    N_(
        "Not trained within the time limit of {limit:number} s; choose a faster type or parameters, fewer events, "
        "or raise TIME_LIMIT."
    ),
    N_("Its fit had too little time to be ended and kept."),
    N_("What {type:words} has by then cannot be kept: its fit does not tell how far it is."),
    N_(
        "Used {peak:number} MB of memory, more than the {limit:number} MB of one slot; choose smaller parameters, "
        "fewer events, or raise MEMORY_LIMIT_MB."
    ),
    N_("Needed more memory than one slot may use; choose smaller parameters or fewer events."),
    N_("No process could be started ({why}); the machine is overloaded."),
    N_("The process ended with exit code {code:number} and without an answer."),
    N_("The process used up its processor time."),
    N_("The process was ended by {signal}{hint:words}."),
    N_("The process answered with {what}."),
    N_("How it ended could not be written down ({why}); train it again."),
    N_("The server was stopped during the training; train it again."),
    N_("The server was stopped before it started; train it again."),
    N_(
        "The server is about to end and begins no trainings; send it again in {seconds:number} s, when another may run."
    ),
    N_("The server ended during the training; train it again."),
    N_("Stopped after {done:number} of {total:number} {unit:words} and kept as it was."),
    N_("Stopped {cause:words} after {done:number} of {total:number} {unit:words}."),
    # domain/estimation.py: what a training is expected to take
    N_("{type:words} on {events:number} events will not fit in {limit:number} s: it takes about {time:words}."),
    N_(
        "{type:words} on {events:number} events in {folds:number} folds will not fit in {limit:number} s: it "
        "takes about {time:words}."
    ),
    N_(
        "{type:words} on {events:number} events needs about {memory:number} MB, more than the {limit:number} MB "
        "that it may use."
    ),
    N_("Estimated from how a {type:words} grows with events and features; none has been trained here yet."),
    N_(
        "Estimated from {count:number} past training of a {type:words}; the nearest in size had {events:number} events."
    ),
    N_(
        "Estimated from {count:number} past trainings of a {type:words}; the nearest in size had {events:number} "
        "events."
    ),
)

PARTS = (
    # service/jobs.py
    N_("{size:number} MB"),
    N_("{time:number} s"),
    # domain/estimators
    N_("a number"),
    N_("a whole number"),
    N_("a number above {low:number}"),
    N_("a number from {low:number}"),
    N_("a number above {low:number} up to {high:number}"),
    N_("a number above {low:number} below {high:number}"),
    N_("a number from {low:number} up to {high:number}"),
    N_("a number above {low:number} up to and with inf"),
    N_("a whole number from {low:number}"),
    N_("a whole number from {low:number} up to {high:number}"),
    N_("a whole number from {low:number} below {high:number}"),
    N_("an object with a weight above 0 for each class"),
    N_("every model trains in one slot, and the server sets how many threads that has"),
    N_("a training has no screen to write to"),
    N_("it numbers columns, and columns have names here"),
    N_("all features are numbers here"),
    N_("whether to stop early is told from the loss, which costs least"),
    # domain/splitting.py
    N_("class {code:number}"),
    N_("ask for {folds:number} folds at most, or"),
    N_("{count:number} of them signal"),
    N_("{count:number} of the rarest of {classes:number} classes"),
    # training
    N_("; perhaps the system ran out of memory"),
    N_("by request"),
    N_("by the time limit"),
    N_("for want of time"),
    N_("trees"),
    N_("stages"),
    N_("iterations"),
    # domain/estimation.py
    N_("{late:number} of which timed out"),
    N_("{count:number} {unit:words}"),
    N_("days"),
    N_("hours"),
    N_("minutes"),
)
