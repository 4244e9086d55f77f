"""The only room that touches disk and database: files of events in, tables, artefacts and records kept."""
