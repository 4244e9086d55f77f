"""Training under hard limits: a process for each model, and an end to it when its time is up."""
