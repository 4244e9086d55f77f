"""The physics of the decision: tables and bytes in, values out; no disk, no clock, no HTTP."""
