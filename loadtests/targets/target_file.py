"""The target file: where a pipeline of one's own is, what signs its users in, and what a run may do to it.

Pydantic, because people write it. It never holds a secret, only where each one is to be found; whoever reads it passes
the environment in. What is in it may stand in a manifest, what it leads to may not.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator

from loadtests.scenario.devices import Table
from loadtests.targets.limits import Limits
from loadtests.wire.pages import PageStyle
from loadtests.wire.routes import Routes, unknown_lists, unknown_routes
from loadtests.wire.tls import TlsError, client_context
from loadtests.wire.token_limit import PER_5_MINUTES, TokenLimit

_HOST: Final = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?")
_REALTIME_PATH: Final = "/realtime/v1/websocket"
_STATUS_KEYS: Final = {"anon": "ANON_KEY", "service": "SERVICE_ROLE_KEY", "jwt_secret": "JWT_SECRET"}
"""What `supabase status -o env` calls them."""


class TargetFileError(ValueError):
    """A target file that cannot be meant, or that leads to a secret that is not there. The text says what to do."""


class Secret(Table):
    """Where a secret is found: `{ env = "NAME" }` or `{ file = "PATH" }`, never the secret itself."""

    env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    file: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError('a secret is found in one place: { env = "NAME" } or { file = "PATH" }')
        return self


class Keys(Table):
    """What the target's doors are opened with."""

    anon: Secret | None = None
    """The project's public key: `apikey` of every WebSocket."""
    service: Secret | None = None
    """The service role's key: provisioning and the truth, past row-level security."""
    jwt_secret: Secret | None = None
    """With it tokens are minted, and nobody has to sign in."""
    database: Secret | None = None
    """`postgresql://…` of the database's owner: provisioning and the truth by SQL, and the database's clock."""


class Auth(Table):
    """How the run's people come by access tokens."""

    users: Literal["mint", "password", "csv"] = "mint"
    """`mint`: with the JWT secret. `password`: accounts are made with the service key and sign in. `csv`: people and
    their tokens are given in a file, and nobody is made."""
    csv: str | None = None
    """Columns user_id, organization_id, access_token, refresh_token, and role: `author` marks who changes jobs."""
    tokens_per_5_minutes: float = Field(default=PER_5_MINUTES, gt=0)
    """The project's limit of sign-ins and renewals from one address, where they are not minted."""

    @property
    def limit(self) -> TokenLimit:
        """The same as a pace."""
        return TokenLimit(self.tokens_per_5_minutes)

    @model_validator(mode="after")
    def _csv_is_given(self) -> Self:
        if (self.users == "csv") != (self.csv is not None):
            raise ValueError('users = "csv" and a path in csv belong together')
        return self


class Row(Table):
    """A row that each organization or user needs, such as a plan or accepted terms."""

    table: str = Field(pattern=r"^[a-z_][a-z0-9_]*$")
    values: dict[str, str | int | float | bool]
    """`{organization}` and `{user}` in a text stand for the identifiers; one of both has to stand in one of them."""

    @property
    def mark(self) -> str:
        """The column by which the row is found again, to be removed."""
        for placeholder in ("{user}", "{organization}"):
            for column, value in self.values.items():
                if isinstance(value, str) and placeholder in value:
                    return column
        raise ValueError(f"a row of {self.table} names neither {{organization}} nor {{user}}: it could not be removed")

    @model_validator(mode="after")
    def _can_be_removed(self) -> Self:
        assert self.mark
        return self


class Provision(Table):
    """What a run makes in the target beside organizations, users, members and jobs, and through which door."""

    through: Literal["rest", "sql", "nothing"] | None = None
    """By default SQL where a database is given, else REST; `nothing` belongs to tokens from a file."""
    each_organization: tuple[Row, ...] = Field(default=(), strict=False)
    each_user: tuple[Row, ...] = Field(default=(), strict=False)


class Api(Table):
    """Where a backend's jobs API differs from the contract; what is not named is as there."""

    routes: dict[str, str] = Field(default_factory=dict)
    """Paths by their names: jobs, job, archive, flag, documents, audit; `{job}` where a job's id stands."""
    query: dict[str, str] = Field(default_factory=dict)
    """Its names for the query parameters page (or offset), limit and organization_id."""
    fields: dict[str, str] = Field(default_factory=dict)
    """Its names for the fields of a job, such as `revision = "version"`."""
    envelope: str = "data"
    """Where answers hold what was asked for, such as `result.items`; empty: they are bare."""
    lists: dict[str, str] = Field(default_factory=dict)
    """Where the answers of jobs, documents and audit hold their list, if elsewhere; empty: the body is the list."""
    pages: PageStyle = "page"
    """How its first page is asked for: by `page`, by `offset`, without a `cursor`, or by nothing: `none`."""
    first_page: int = Field(default=1, ge=0, le=1)
    """What it calls its first page, where pages have numbers."""

    @field_validator("lists")
    @classmethod
    def _known_lists(cls, lists: dict[str, str]) -> dict[str, str]:
        for wrong in unknown_lists(lists):
            raise ValueError(wrong)
        return lists

    @field_validator("routes")
    @classmethod
    def _known_routes(cls, routes: dict[str, str]) -> dict[str, str]:
        for wrong in unknown_routes(routes):
            raise ValueError(wrong)
        return routes

    @property
    def table(self) -> Routes:
        """The same as a translation."""
        return Routes(
            paths=self.routes,
            query=self.query,
            fields=self.fields,
            envelope=self.envelope,
            lists=self.lists,
            pages=self.pages,
            first_page=self.first_page,
        )


class TargetFile(Table):
    """A pipeline of one's own."""

    kind: Literal["supabase"]
    supabase_url: str | None = None
    """Base of a project, such as `https://abc.supabase.co`, or of one on this machine."""
    realtime_url: str | None = None
    """Realtime's WebSocket, where it is not the project's: `ws://host:4000/socket/websocket` of a bare server."""
    realtime_host: str | None = None
    """`Host` header of the WebSocket: a bare Realtime finds its tenant by it."""
    api_url: str
    """Base of the jobs API; its routes are appended."""
    supabase_status: str | None = None
    """Path of what `supabase status -o env` printed: keys that the file does not name are taken from there."""
    ca_file: str | None = None
    """Certificates of an authority of one's own."""
    plan: Literal["free", "pro", "pro-no-cap", "team", "enterprise", "self-hosted", "unlimited"] = "free"
    """The plan whose limits a run is compared with before it starts."""
    api: Api = Api()
    keys: Keys = Keys()
    auth: Auth = Auth()
    provision: Provision = Provision()
    limits: Limits = Limits()

    @field_validator("supabase_url", "api_url")
    @classmethod
    def _http(cls, url: str | None) -> str | None:
        if url is not None and urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError("it is no http:// or https:// URL")
        _refuse_secrets(url)
        return None if url is None else url.rstrip("/")

    @field_validator("realtime_url")
    @classmethod
    def _websocket(cls, url: str | None) -> str | None:
        if url is not None and urlsplit(url).scheme not in {"ws", "wss"}:
            raise ValueError("it is no ws:// or wss:// URL")
        _refuse_secrets(url)
        return url

    @field_validator("realtime_host")
    @classmethod
    def _host(cls, host: str | None) -> str | None:
        if host is not None and not _HOST.fullmatch(host):
            raise ValueError(f"{host!r} is no host: give its name, with a port if the tenant's has one")
        return host

    @model_validator(mode="after")
    def _realtime_is_somewhere(self) -> Self:
        if self.supabase_url is None and self.realtime_url is None and self.supabase_status is None:
            raise ValueError("give supabase_url, or realtime_url of a bare Realtime")
        return self

    def websocket_url(self, supabase_url: str) -> str:
        """Return Realtime's URL: its own, or the project's."""
        if self.realtime_url is not None:
            return self.realtime_url
        url = urlsplit(supabase_url)
        scheme = "wss" if url.scheme == "https" else "ws"
        return f"{scheme}://{url.netloc}{url.path.rstrip('/')}{_REALTIME_PATH}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedTarget:
    """A target file with everything that it leads to. It holds secrets: it goes into no file and no log."""

    file: TargetFile
    supabase_url: str
    """Empty for a bare Realtime."""
    realtime_url: str
    anon_key: str = field(repr=False)
    service_key: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    database_url: str = field(repr=False)
    csv: Path | None
    ca_file: str = ""
    """Seen from the target file, as an absolute path; empty for none."""

    @property
    def urls(self) -> tuple[str, ...]:
        """Everything that is put under load."""
        return tuple(each for each in (self.supabase_url, self.realtime_url, self.file.api_url) if each)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything that must appear nowhere."""
        return tuple(each for each in (self.anon_key, self.service_key, self.jwt_secret, self.database_url) if each)


def _refuse_secrets(url: str | None) -> None:
    """Refuse a URL that holds more than a place: all of it would stand in the manifest and in the report."""
    parts = urlsplit(url or "")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("a URL names a place alone: no user, no password and no key; those belong in [keys]")


def read_target_file(path: Path, environment: Mapping[str, str]) -> OpenedTarget:
    """Read a target file and find its secrets.

    Raises:
        TargetFileError: the file cannot be read or meant, or a secret is not where it is said to be.

    """
    try:
        file = TargetFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise TargetFileError(f"the target file {path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise TargetFileError(f"{path} is no TOML: {error}") from error
    except ValidationError as error:
        raise TargetFileError(f"{path}: {_first(error)}") from error
    return _open(file, path, environment)


def _open(file: TargetFile, path: Path, environment: Mapping[str, str]) -> OpenedTarget:
    status = {} if file.supabase_status is None else _read_status(path.parent / file.supabase_status)
    found = {
        name: _find(getattr(file.keys, name), path, environment, name) or status.get(_STATUS_KEYS.get(name, ""), "")
        for name in ("anon", "service", "jwt_secret", "database")
    }
    supabase_url = (file.supabase_url or status.get("API_URL", "")).rstrip("/")
    opened = OpenedTarget(
        file=file,
        supabase_url=supabase_url,
        realtime_url=file.websocket_url(supabase_url),
        anon_key=found["anon"],
        service_key=found["service"],
        jwt_secret=found["jwt_secret"],
        database_url=found["database"] or status.get("DB_URL", ""),
        csv=None if file.auth.csv is None else path.parent / file.auth.csv,
        ca_file="" if file.ca_file is None else str((path.parent / file.ca_file).absolute()),
    )
    _check_doors(opened, path)
    _check_authority(opened, path)
    return opened


def _check_authority(opened: OpenedTarget, path: Path) -> None:
    """Refuse an authority that cannot be read: every process of the run would meet it on its own."""
    try:
        client_context(opened.ca_file)
    except TlsError as error:
        raise TargetFileError(f"{path}: {error}") from error


def _check_doors(opened: OpenedTarget, path: Path) -> None:
    """Refuse a file whose keys do not open what it asks for."""
    file = opened.file
    if not opened.anon_key:
        raise TargetFileError(f'{path}: keys.anon is missing: Realtime asks every socket for it; {{ env = "NAME" }}')
    if file.auth.users == "mint" and not opened.jwt_secret:
        raise TargetFileError(f'{path}: auth.users = "mint" needs keys.jwt_secret; without it: "password" or "csv"')
    if file.auth.users == "password" and not (opened.service_key and opened.supabase_url):
        raise TargetFileError(f'{path}: auth.users = "password" needs keys.service and supabase_url, to make accounts')
    through = way_in(opened)
    if through == "sql" and not opened.database_url:
        raise TargetFileError(f'{path}: provision.through = "sql" needs keys.database')
    if through == "rest" and not (opened.service_key and opened.supabase_url):
        raise TargetFileError(
            f"{path}: to make organizations and users, keys.service with supabase_url or keys.database is needed; "
            'whoever has neither gives people and tokens: auth.users = "csv"'
        )
    if through == "nothing" and file.auth.users != "csv":
        raise TargetFileError(f'{path}: provision.through = "nothing" needs people who exist: auth.users = "csv"')


def way_in(opened: OpenedTarget) -> Literal["rest", "sql", "nothing"]:
    """Return through which door the run's people come in."""
    file = opened.file
    if file.provision.through is not None:
        return file.provision.through
    if file.auth.users == "csv":
        return "nothing"
    return "sql" if opened.database_url and file.auth.users == "mint" else "rest"


def _find(secret: Secret | None, path: Path, environment: Mapping[str, str], name: str) -> str:
    """Return a secret; nothing where the file names none."""
    if secret is None:
        return ""
    if secret.env is not None:
        value = environment.get(secret.env, "")
        if not value:
            raise TargetFileError(f"{path}: keys.{name}: the environment has no {secret.env}; export it and try again")
        return value
    assert secret.file is not None
    try:
        return (path.parent / secret.file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TargetFileError(f"{path}: keys.{name}: {secret.file} cannot be read: {error}") from error


def _read_status(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TargetFileError(f"supabase_status: {path} cannot be read: {error}") from error
    return read_status(text)


def read_status(text: str) -> dict[str, str]:
    """Return what `supabase status -o env` tells: lines of KEY="value"."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip().strip('"') for key, _, value in pairs}


def _first(error: ValidationError) -> str:
    """Return the first thing that is wrong, with its key and without the value, which might be a secret."""
    details: Any = error.errors(include_input=False, include_url=False)[0]
    key = ".".join(str(part) for part in details["loc"])
    return f"{key}: {details['msg'].removeprefix('Value error, ')}" if key else str(details["msg"])
