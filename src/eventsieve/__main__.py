"""``python -m eventsieve`` is the command ``eventsieve``."""

from eventsieve.cli import main

main()
