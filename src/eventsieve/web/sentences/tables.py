"""Sentences about tables of events, their columns and labels, and how a data set is read."""

from __future__ import annotations

from eventsieve.web.i18n import N_

__all__ = ["PARTS", "SENTENCES"]

SENTENCES = (
    # domain/values.py and domain/columns.py: what is wrong with values
    N_("Column {name}: the value in {where:words}, {shown}, is {what:words}."),
    N_("Column {name}: {count:number} values are {what:words}; the first is {shown} in {where:words}."),
    N_("Column {name}: {count:number} label is {what:words}; the first is {shown} in {where:words}."),
    N_("Column {name}: {count:number} labels are {what:words}; the first is {shown} in {where:words}."),
    N_("Column {name}: {count:number} event number is used more than once; the first is {first} in {where:words}."),
    N_("Column {name}: {count:number} event numbers are used more than once; the first is {first} in {where:words}."),
    N_("Column {name}: all events are {only:words}; training needs {lacking:words} as well."),
    N_("Column {name}: there is no event of {lacking}; training needs all classes."),
    N_("Column {name} holds values of type {type}, not {wanted}."),
    N_("Column {name} holds bytes that are not UTF-8 text."),
    # domain/events.py: tables that lack something
    N_("The events are not labelled as signal or background{add:words}."),
    N_("The events have no labels{add:words}."),
    N_("No column is known to hold the labels; say which one does (schema, label)."),
    N_("The table has a header but no events."),
    N_("The table does not look like {schema}: it has {found:number} of the {needed:number} columns that are needed."),
    N_("Column {name} is missing."),
    N_("{count:number} columns are missing: {names}."),
    N_("Column {name} appears {count:number} times."),
    N_("The first line holds numbers; put a line with the names of the columns above it."),
    N_("The table has columns that are not in the schema: {names:words}."),
    N_("Columns that {schema} does not have were ignored: {names:words}."),
    N_("There is no column {name}: every event counts the same."),
    # domain/findings.py and domain/inference.py: warnings about a data set
    N_("Text cannot be trained on and is left out: {names:words}."),
    N_("{value:number} is read as 'not defined for this event': {names:words}."),
    N_("Empty or NaN values are read as 'not defined for this event': {names:words}."),
    N_("Infinite values cannot be trained on; mend or leave out: {names:words}."),
    N_("The same value throughout tells nothing; leave out: {names:words}."),
    N_("{count:number} events have no finite weight in column {name}; mend them, or use no weight."),
    N_("No column is known to hold labels: events can be looked at and scored, not trained on."),
    N_("Columns of few values: {names:words}."),
    N_("{count:number} events have no label in column {name}; training needs one of each event."),
    N_("All events are {value} in column {name}; training needs other events as well."),
    N_("Column {name} has no values and is left out."),
    N_("Column {name} looks like a label and is left out; to classify by it, say so (label={same})."),
    N_("Column {name} looks like a label, of more than {count:number} values, and is left out: too many classes."),
    N_("Column {name} is left out as text, though it seems to hold numbers: {cure:words}."),
    N_("Column {name} looks like a weight and is left out; to weigh events by it, say so (weight={same})."),
    N_("Column {name} says when an event was taken, not what it is{repeated:words}, and is left out."),
    N_(
        "{signal} is taken for the signal of column {name}, and {background} for background: if it is the other "
        "way round, say so (signal={same})."
    ),
    N_("{others} may mean 'not defined' too, but is read as a number; write {value:number} in its place."),
    # domain/edits.py: changes to how a data set is read
    N_("No column would be left to train on; leave out fewer."),
    N_("There is no schema {name}; there are: {names}."),
    N_("The schema {name} needs columns of numbers: {names}."),
    N_("There is no column {name}; {hint:words}"),
    N_("Column {name} cannot be {role:words} and {other:words} at once; choose one."),
    N_("Column {name} does not number the events: it must hold whole numbers, each once."),
    N_("Column {name} cannot be the weight: it must hold a finite number for each event."),
    N_("The undefined value must be a finite number; empty and NaN values are undefined anyway."),
    N_(
        "Column {name} has more than {count:number} values or none; name the one that is signal, or choose "
        "another label."
    ),
    N_("{signal} is no value of column {name}; there are: {values}."),
    N_("Without several classes, one value must be the signal: {values}."),
    N_("No values of column {name}: {unknown}; there are: {values}."),
    N_("Values of column {name} of no class: {values}; name all."),
    N_("Name two classes at least, each of them once."),
    N_("The signal {signal} is none of the classes {classes}."),
    N_("The table has no column to train on: {roles}; add some, or say what is left out (schema, leave_out)."),
)

PARTS = (
    # domain/values.py and domain/columns.py
    N_("row {row:number} (line {line:number})"),
    N_("row {row:number}"),
    N_("{count:number} more"),
    N_("not a number"),
    N_("not whole"),
    N_("infinite"),
    N_("too large to be exact"),
    N_("empty, NaN or infinite"),
    N_("empty, NaN or infinite (write {undefined} where it is not defined)"),
    N_("empty"),
    N_("signal"),
    N_("background"),
    N_("signal ({labels})"),
    N_("background ({labels:words})"),
    N_("any other text"),
    N_("neither signal ({signal}) nor background ({others:words})"),
    N_("none of the classes {classes}"),
    # domain/events.py
    N_("; say which column holds the labels"),
    N_("; add the column {name}"),
    N_("(no name)"),
    # domain/findings.py
    N_("mend values like {value} (a decimal point, no unit; nothing where it is not defined)"),
    N_("its whole numbers do not fit 64 bits with a sign; write them smaller"),
    N_("(numbers in it repeat)"),
    # domain/edits.py
    N_("did you mean {names}?"),
    N_("there are: {names:words}."),
    N_("left out"),
)
