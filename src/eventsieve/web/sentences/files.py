"""Sentences about files of events, and what they hold."""

from __future__ import annotations

from eventsieve.web.i18n import N_

__all__ = ["PARTS", "SENTENCES"]

SENTENCES = (
    # storage/sources: files that cannot be read
    N_(
        "Send a table of events as text (CSV, TSV; plain, or packed with gzip, bzip2, xz, zstd or zip), Parquet, "
        "Arrow or ROOT; only text may be packed."
    ),
    N_("The file is empty (0 bytes)."),
    N_("The file {what:words}."),
    N_("The file is binary, not text."),
    N_("The file is an Office document."),
    N_("The file in the archive is empty."),
    N_("The {kind:words} is damaged or cut short; send it again."),
    N_("The {kind} file is damaged or cut short ({what}); send it again."),
    N_("The zip archive holds {count:number} files, not one{names:words}."),
    N_("The zip archive is encrypted; send it without a password."),
    N_("The zip archive is packed in a way that is not read here; use the common one (deflate)."),
    N_("The {kind} file has columns but no events."),
    N_("The {kind} file unpacks to more than {size:number} bytes; send it in parts."),
    N_("The text is longer than {size:number} bytes; send it in parts."),
    N_("The columns take more than {size:number} bytes; send the events in parts."),
    N_("The limit is the setting MAX_DATASET_MB."),
    N_(
        "The upload is larger than {size:number} MB; compress the table (CSV.gz, Parquet), send fewer events, or "
        "raise MAX_UPLOAD_MB."
    ),
    N_("The file cannot be read as CSV: {why}"),
    N_("The text cannot be read: {why}"),
    N_("The table has columns but no events."),
    N_("The file holds nothing but blanks."),
    N_("The first line, {line}, does not name the columns of the lines below; remove what is above their names."),
    N_("The first lines cannot be split into columns: {why}."),
    N_("A quotation mark must close on the line where it opens; it does not on line {lines:words}."),
    N_("Each line must have {count:number} values, as the header has; line {lines:words}."),
    N_("{count:number} lines are blank or no rows of the table; it was read no further."),
    N_("Line {line:number} is longer than {size:number} bytes: this is no table of events."),
    N_("Line {line:number} is not UTF-8 text (byte {byte}); save the file as UTF-8."),
    N_("A column is of another type than its beginning said."),
    # storage/sources: trees, branches and files that belong together
    N_("The {noun:words} {name} cannot be used: it is {what:words}."),
    N_("Column {name} appears {count:number} times; give each a name of its own."),
    N_("The file has no {noun:words} of plain numbers."),
    N_("Left out: {names:words}."),
    N_("There is no {noun:words} {name}; {hint:words}"),
    N_("The file {name} and its tree {tree} both have a label; leave one out."),
    N_("Without a label, unlike the others: {names:words}; give each a label, or none."),
    N_("{one} lacks columns that {other} has: {names:words}; add them, or keep only common columns (branches)."),
    N_(
        "Column {name} is text in {one} and a number in {other}; make them agree, or leave it out by naming the "
        "others (branches)."
    ),
    N_("Column {name} holds bytes that are not UTF-8 text; leave it out by naming the others (branches)."),
    N_(
        "Column {name} ({type}) holds whole numbers that do not fit 64 bits with a sign; write them smaller, or "
        "leave the column out by naming the others (branches)."
    ),
    N_("Write what is needed of it as columns of plain numbers, one value an event."),
    N_(
        "Write one number an event in its place (RDataFrame: Define, then Snapshot); classes may be told apart by "
        "trees with a label each (NAME=LABEL)."
    ),
    N_("Only one tree can be read here; name one of {names}."),
    N_("The tree {name} is named, but the file is not a ROOT file; name no tree."),
    N_("The tree {name} has branches but no events."),
    N_("The ROOT file holds no tree (TTree or RNTuple); write the events as one."),
    N_("The ROOT file holds {count:number} trees; say which is meant: {names:words}."),
    N_("The ROOT file has no tree {name}; there are: {names:words}."),
    N_("The file is of Feather version 1; write it as version 2 (Arrow IPC)."),
)

PARTS = (
    # storage
    N_("{format} file"),
    N_("file"),
    N_("is a gzip file inside another archive; unpack it once"),
    N_("is a zip archive inside another archive; unpack it once"),
    N_("is a zip archive that holds no file"),
    N_("is a Parquet file inside an archive; send it unpacked"),
    N_("is an encrypted Parquet file"),
    N_("is an HDF5 file"),
    N_("is an SQLite database"),
    N_("is a PDF document"),
    N_("is an old Office document"),
    N_("is a PNG image"),
    N_("is a JPEG image"),
    N_("is a GIF image"),
    N_("is a 7-Zip archive"),
    N_("is a RAR archive"),
    N_("is UTF-16 text; save it as UTF-8"),
    N_("is a NumPy array"),
    N_("is a Python pickle"),
    N_("is an HTML page"),
    N_("is an XML document"),
    N_("is JSON"),
    N_("{line:number} has {count:number}"),
    N_("line {line:number}"),
    # storage/sources
    N_("branch"),
    N_("column"),
    N_("jagged: {type}"),
    N_("several values: {type}"),
    N_("a vector: {type}"),
    N_("no single number: {type}"),
    N_("of type {type}"),
)
