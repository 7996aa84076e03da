"""`python -m loadtests` is `loadtests`."""

from loadtests.cli import main

if __name__ == "__main__":
    main(prog_name="loadtests")
