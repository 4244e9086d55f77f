"""The steps from one shape of the registry to the next; each is applied once, in order."""
