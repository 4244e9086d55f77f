"""The REST interfaces: HTTP in, use cases called, errors translated, HTTP out."""
