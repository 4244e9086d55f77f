"""``python -m benchmarks.bare``: ``eventsieve`` without pandas. Imports nothing that it would not import."""

from __future__ import annotations

import sys

__all__ = ["without_pandas"]


class _NoPandas:
    """A finder of modules that finds no pandas."""

    @staticmethod
    def find_spec(fullname: str, *_: object) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname, name=fullname)


def without_pandas() -> None:
    """Keep pyarrow from loading pandas, which it does wherever there is one: the tests need it, we do not."""
    sys.meta_path.insert(0, _NoPandas)


if __name__ == "__main__":
    without_pandas()
    from eventsieve.cli import main

    main()
