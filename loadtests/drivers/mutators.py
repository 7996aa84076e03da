"""Mutators: Locust users that carry out what is due through the jobs API.

The same user class serves `loadtests run` and a plain `locust -f`. Importing this module imports Locust, which
monkey-patches the process: only the mutators' own process and `locustfile.py` may do so.
"""

from typing import ClassVar

from locust import FastHttpUser, constant, task
from locust.contrib.fasthttp import ResponseContextManager

from loadtests.drivers.mutation_requests import request_of
from loadtests.drivers.workload import Workload
from loadtests.wire.tls import client_context


class JobsMutator(FastHttpUser):
    """A Locust user that takes the next mutation that is due and carries it out. A subclass gives `workload`."""

    abstract = True
    workload: ClassVar[Workload]
    wait_time = constant(0)
    insecure = False
    """Certificates are verified; Locust's own default is not to."""

    @task
    def mutate(self) -> None:
        """Carry out one mutation."""
        workload, routes = self.workload, self.workload.routes
        mutation = workload.queue.get()
        request = request_of(mutation)
        headers = {
            "Authorization": f"Bearer {workload.token(mutation)}",
            "X-Request-ID": workload.population.request_id(mutation.index),
        }
        sent_ns = workload.sent(mutation)
        with self.client.request(
            request.method,
            routes.path(request.path),
            name=request.label,
            json=routes.body(request.body),
            headers=headers,
            catch_response=True,
            # Where a redirect leads nobody has allowed or confirmed, and its host must not be sent a token.
            allow_redirects=False,
        ) as response:
            assert isinstance(response, ResponseContextManager)
            trouble = workload.answered(
                mutation, sent_ns, status=response.status_code or 0, content=routes.answer(response.content or b"")
            )
            if trouble is None:
                response.success()
            else:
                response.failure(trouble)


def mutator_class(workload: Workload, *, host: str, ca_file: str = "") -> type[JobsMutator]:
    """Return the user class for one workload against the jobs API at `host`, whose certificate is verified.

    Its HTTP client looks whether an idle connection was closed before it writes a request to it, and never repeats one
    that was written: a mutation might be done twice.
    """
    context = client_context(ca_file) if host.startswith("https") else None
    timeout_s = workload.scenario.mutators.timeout_s
    return type(
        "Mutator",
        (JobsMutator,),
        {
            "abstract": False,
            "workload": workload,
            "host": host,
            "network_timeout": timeout_s,
            "connection_timeout": timeout_s,
            # The library offers its own authorities as `cafile`; ours are this machine's.
            "ssl_context_factory": staticmethod(lambda **_: context),
        },
    )
