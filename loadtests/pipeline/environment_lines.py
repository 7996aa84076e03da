"""A running pipeline's addresses and keys as `KEY=value` lines, for shells and `.env` files.

The keys are those that `supabase status -o env` prints, so that what reads those reads these; ours come beside
them. Pure: an address in, lines out, and back.
"""

import shlex
from collections.abc import Sequence
from urllib.parse import urlsplit

from loadtests.wire.endpoint import Endpoint


def environment_lines(endpoint: Endpoint, tokens: Sequence[str] = ()) -> list[str]:
    """Return one line for each address, key and token, without line ends; quoted for a shell where that is needed.

    `API_URL`, or `SUPABASE_URL`, is what a Supabase client is created with: it appends `/realtime/v1` itself, and
    `/auth/v1` and `/rest/v1` where there is a gateway that serves them. `TOKEN_1`, `TOKEN_2` …
    are users' access tokens.
    """
    realtime = urlsplit(endpoint.realtime_url)
    scheme = {"ws": "http", "wss": "https"}[realtime.scheme]
    own = f"{scheme}://{realtime.netloc}{realtime.path.removesuffix('/realtime/v1/websocket')}"
    values = {
        "API_URL": endpoint.supabase_url or own,
        **({"SUPABASE_URL": endpoint.supabase_url} if endpoint.supabase_url else {}),
        "DB_URL": endpoint.database_url,
        "JOBS_API_URL": endpoint.api_url,
        "REALTIME_URL": endpoint.realtime_url,
        "ANON_KEY": endpoint.anon_key,
        "SERVICE_ROLE_KEY": endpoint.service_key,
        "JWT_SECRET": endpoint.jwt_secret,
        **{f"TOKEN_{number}": token for number, token in enumerate(tokens, start=1)},
    }
    return [f"{key}={shlex.quote(value)}" for key, value in values.items()]


def read_environment_lines(text: str) -> Endpoint:
    """Return the endpoint that `environment_lines` wrote; lines that are not `KEY=value` are passed over.

    Raises:
        KeyError: a key is missing.

    """
    pairs = (part.partition("=") for part in shlex.split(text, comments=True))
    values = {key: value for key, equals, value in pairs if equals}
    return Endpoint(
        api_url=values["JOBS_API_URL"],
        realtime_url=values["REALTIME_URL"],
        anon_key=values["ANON_KEY"],
        service_key=values["SERVICE_ROLE_KEY"],
        jwt_secret=values["JWT_SECRET"],
        database_url=values["DB_URL"],
        supabase_url=values.get("SUPABASE_URL", ""),
    )
