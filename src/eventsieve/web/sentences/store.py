"""Sentences about models, data sets, predictions and the server."""

from __future__ import annotations

from eventsieve.web.i18n import N_

__all__ = ["PARTS", "SENTENCES"]

SENTENCES = (
    # storage/registry.py and storage/modelbook.py: names
    N_("There is no model {names}; there are: {known:words}."),
    N_("There is no model {name}; it was removed or renamed meanwhile."),
    N_("There is no model {name}; train it, or choose another."),
    N_("There is no alias {name}; the list of aliases names those there are."),
    N_("There is no data set {id}; send it again, or choose one of the list."),
    N_("No model is current; choose one of the trained models first."),
    N_("No model is current, so there is none to unset."),
    N_("The model {name} is current already."),
    N_("No other model that is still there was current before; choose one of the models."),
    N_("An alias of a model: {names}; choose other names, or drop the alias first."),
    N_("Already trained, or being trained: {names}; choose other ids, or remove these models first."),
    N_("One of these models is being trained by another request; choose other ids."),
    N_("The name {name} is taken; choose another."),
    N_("{name} is the name of {what:words}; choose another, or change that one first."),
    N_("{name} is the name of {what:words}; choose another alias."),
    N_("The alias {name} was changed by another request; try again."),
    N_("{current} is always the model in charge; choose another alias, or make {name} current."),
    N_("The name {name} {fault:words}; choose another."),
    N_("The alias {name} {fault:words}; choose another."),
    N_("The tag {name} {fault:words}; choose another."),
    N_("The note has characters that are no text; leave them out."),
    # service: models and data sets that are gone, damaged or in use
    N_("The data set {name} is used by job {jobs}; wait for its end, or cancel it, to {what:words}."),
    N_(
        "The {events:number} events of data set {name} take more than {size:number} MB of memory; send a part of "
        "them as a data set, leave columns out, or raise MAX_TABLE_MB."
    ),
    N_("The stored data set {name} is damaged or missing; upload it again."),
    N_("The {what} of the model {name} is missing or is not what was stored; remove the model and train it again."),
    N_("The model {name} cannot be used; remove it and train it again."),
    N_("The model {name} has no evaluation: no events were kept from its training."),
    N_("Train it again with a validation (holdout, folds or another data set)."),
    N_(
        "The report of {names} could not be drawn: {why:words} Leave out columns that say nothing, or ask for the "
        "values of the exploration instead."
    ),
    N_("The weights do not sum to more than 0 in {names}; mend them, or use no weight (weight='')."),
    # service/comparisons.py
    N_("{count:number} models are named; name 1 to {most:number} to compare."),
    N_("The models take different columns for the label; compare those that take the same."),
    N_("The models tell different classes apart ({classes}); compare those of the same classes."),
    N_("The data set does not go with the model {name}."),
    N_("The events that {name} was trained on are gone, so it cannot be told which ones it has seen; train it again."),
    N_("Of the {all:number} events, those that none of {names} was trained on are {counts}: too few to compare on."),
    N_("Train the models again with a hold-out, or bring another data set."),
    # domain/predictions.py, service/predictions.py, service/scoreviews.py and service/scores.py: predictions
    N_("Columns that the model was not trained with were ignored: {names:words}."),
    N_("There is no column {name}: the rows are numbered from 0."),
    N_("The model gives no finite score for row {row:number}: its values are too large."),
    N_("Correct that row."),
    N_("The model cannot score these events: {why}"),
    N_(
        "Column {name}: the value in row {row:number}, {value:number}, is too large for the model (over "
        "{limit:number})."
    ),
    N_("Some weights in column {name} are no finite numbers, so every event counts the same."),
    N_("The data set has other classes ({theirs}) than the model ({ours}): scores are of all events."),
    N_("The scores of {model} on {dataset} were removed while they were read; ask again."),
    N_(
        "There can be 1 to {most:number} simulated events with a seed and numbers from 0 on, not {events:number} "
        "with the seed {seed} from {first} on."
    ),
    # api and client: the server itself
    N_("The server's disk is full; make room and send it again."),
    N_("The server failed; its log says how, under request {name}."),
    N_("Tell those who run it if it happens again."),
    N_("No answer from {url}: {why:words}."),
    N_("{url} answers with something that is no JSON; see that it is an Eventsieve server."),
    N_("{url} answers with something that cannot be unpacked: {why}."),
    N_("{url} sends on to {target}; see that it is an Eventsieve server."),
    N_("The server answers with something that is no PDF; see that it is an Eventsieve server."),
    N_("In what the server answers there is no {kind}; see that it is an Eventsieve server of this version."),
    N_(
        "In what the server answers there is nothing called {name}; see that it is an Eventsieve server of this "
        "version."
    ),
    # pydantic: texts of a wrong length
    N_("String should have at least {least:number} character."),
    N_("String should have at most {most:number} characters."),
    N_("Correct these: {faults:words}."),
)

PARTS = (
    # names
    N_("none"),
    N_("a model"),
    N_("a model that is being trained"),
    N_("an alias"),
    N_("is empty"),
    N_("is longer than {count:number} characters"),
    N_("has characters that are no text"),
    # service
    N_("change its schema"),
    N_("delete it"),
    # pydantic: texts of a wrong length
    N_("String should have at least {least:number} character"),
    N_("String should have at most {most:number} characters"),
    # api and client
    N_("it did not answer in time ({why}); give the client a longer timeout"),
    N_("{why}; see that it runs (`eventsieve serve`) and that the address is right"),
)
