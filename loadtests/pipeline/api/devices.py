"""Where important notifications can reach a person: the tokens that the push service gave their devices.

A token belongs to whoever registered it last: a device changes hands with its sign-in.
"""

import re

from loadtests.pipeline.api import validation as v
from loadtests.pipeline.api.endpoint import Answer, Call

_UPSERT = """
insert into public.device_tokens (token, user_id, platform) values ($1, $2, $3)
on conflict (token) do update
set user_id = excluded.user_id, platform = excluded.platform, registered_at = now()
returning token, platform, registered_at
"""
_TOKEN = re.compile(r"(?:[0-9a-f]{2}){8,100}")


def device_token(value: object) -> str:
    """Accept a device token as Apple's service gives it: bytes in hexadecimal."""
    token = v.text(value).lower()
    if not _TOKEN.fullmatch(token):
        raise ValueError("must be 8 to 100 bytes in hexadecimal")
    return token


_CHECKS: dict[str, v.Check] = {"token": device_token, "platform": v.one_of(["ios"])}


async def register_device(call: Call) -> Answer:
    """POST /devices. A second time changes the owner and the date only."""
    v.require(call.body, ["token"])
    fields = {"platform": "ios", **v.checked(call.body, _CHECKS)}
    device = await call.connection.fetchrow(_UPSERT, fields["token"], call.member.user_id, fields["platform"])
    assert device is not None, "an upsert returns its row"
    return Answer(201, {"data": dict(device)})
