"""Replies on their way to clients: what is held for them, and who is dropped when it is too much."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from starlette.types import Message

from csr_exporter.web.replies import CHUNK, Replies

BODY = 4 * CHUNK
"""Bytes; a client that reads it also counts with two chunks."""


class Client:
    """Reads a chunk when told to."""

    def __init__(self, replies: Replies, body: bytes) -> None:
        self.read = 0
        self.dropped = False
        self._may_read = asyncio.Semaphore(0)
        scope = {"state": {"drop": self._drop}}
        message = {"type": "http.response.body", "body": body, "more_body": False}
        self.task = asyncio.create_task(replies.send(message, self._send, scope))

    async def reads(self, chunks: int) -> None:
        for _ in range(chunks):
            self._may_read.release()
        await settled()

    async def _send(self, message: Message) -> None:
        await self._may_read.acquire()
        self.read += 0 if self.dropped else len(message["body"])

    def _drop(self) -> None:
        self.dropped = True
        self._may_read.release()


async def settled() -> None:
    """Until every task waits."""
    for _ in range(50):
        await asyncio.sleep(0)


def run(scenario: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(scenario())


def test_a_reply_arrives_whole_in_chunks() -> None:
    async def scenario() -> None:
        client = Client(Replies(0), bytes(BODY + 1))
        await client.reads(6)  # the last is the end of the body
        await client.task

        assert (client.read, client.dropped) == (BODY + 1, False)

    run(scenario)


def test_the_reader_without_progress_for_longest_makes_room_for_the_next() -> None:
    async def scenario() -> None:
        replies = Replies(12 * CHUNK)
        first, second = Client(replies, bytes(BODY)), Client(replies, bytes(BODY))
        await settled()
        await first.reads(1)
        third = Client(replies, bytes(BODY))
        await settled()

        assert [each.dropped for each in (first, second, third)] == [False, True, False]
        await first.reads(4)
        assert first.read == BODY
        for each in (first, second):
            await each.task
        fourth = Client(replies, bytes(BODY))
        await settled()
        assert not third.dropped
        third.task.cancel()
        fourth.task.cancel()

    run(scenario)


def test_readers_of_one_body_hold_it_once() -> None:
    async def scenario() -> None:
        replies, body = Replies(BODY + 20 * 2 * CHUNK), bytes(BODY)
        readers = [Client(replies, body) for _ in range(20)]
        await settled()
        assert not any(each.dropped for each in readers)

        another = Client(replies, bytes(BODY))
        await settled()

        assert [each.dropped for each in readers] == [True] * 3 + [False] * 17
        for each in (*readers, another):
            each.task.cancel()

    run(scenario)


def test_a_reply_larger_than_the_limit_is_sent_when_it_is_alone() -> None:
    async def scenario() -> None:
        replies = Replies(CHUNK)
        first, second = Client(replies, bytes(BODY)), Client(replies, b"small")
        await settled()

        assert (first.dropped, second.dropped) == (True, False)
        second.task.cancel()

    run(scenario)
