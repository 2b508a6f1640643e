"""A mailbox, and the e-mail channel before it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.channels import Channel, email
from gateway.channels.email import EmailSettings
from gateway.errors import UpstreamError
from gateway.sandbox import MailOptions, Sandbox, SandboxOptions
from gateway.sandbox.mail import Mail
from tests.channels.works import PERSONAL, a_channel, a_work
from tests.upstream_answers import wire

__all__ = ["Post", "a_post"]


class Post:
    """A mailbox and the channel before it; `settings` may be exchanged while it runs."""

    def __init__(self, sandbox: Sandbox, **settings: Any) -> None:
        self.sandbox = sandbox
        self.settings = self._settings(**settings)
        self.channel: Channel

    def _settings(self, **changes: Any) -> EmailSettings:
        return EmailSettings(
            **{
                "smtp_host": self.sandbox.mail.host,
                "smtp_port": self.sandbox.mail.port,
                "smtp_tls": "none",
                "email_from": "Shop <shop@example.com>",
                **changes,
            }
        )

    def set(self, **changes: Any) -> None:
        self.settings = self._settings(**changes)

    async def send(self, **profile: Any) -> str:
        """The Message-ID under which it was sent."""
        return (await self.channel.deliver(a_work(**profile))).reference

    async def mail(self, **profile: Any) -> Mail:
        await self.send(**profile)
        return self.sandbox.mail.messages[-1]

    async def error(self, **profile: Any) -> UpstreamError:
        with pytest.raises(UpstreamError) as caught:
            await self.send(**profile)
        assert not [text for text in PERSONAL if text in str(caught.value)]
        return caught.value


@asynccontextmanager
async def a_post(
    options: MailOptions | None = None, *, seconds: float = 1.0, **settings: Any
) -> AsyncIterator[Post]:
    async with Sandbox(SandboxOptions(mail=options or MailOptions())) as sandbox, wire() as sender:
        post = Post(sandbox, **settings)
        post.channel = a_channel(email.SPEC, sender, lambda: post.settings, seconds=seconds)
        try:
            yield post
        finally:
            await post.channel.close()
