"""``python -m benchmarks [SUITE …]``: measure against named rivals; ``python -m benchmarks docs`` writes the page."""

if __name__ == "__main__":
    # A rival that spawns imports this file again in its children, and shall not pay for more than it uses.
    from benchmarks.suite import main

    main()
