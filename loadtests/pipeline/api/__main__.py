"""`python -m loadtests.pipeline.api`: read the hello, serve, end with the parent."""

import sys

from loadtests.pipeline.api.serve import allow_many_sockets, log_to_stderr, run_service, serve
from loadtests.pipeline.settings import ApiHello
from loadtests.processes import lifeline


def main() -> int:
    """Return the exit code: 0 after a clean stop, 1 when the API could not start."""
    log_to_stderr()
    allow_many_sockets()
    return run_service(serve(ApiHello.from_json(lifeline.read_hello())))


if __name__ == "__main__":
    sys.exit(main())
