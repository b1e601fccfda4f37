"""pysignalr 1.3.3 (WebSockets only) against the interoperability host, in both protocols.

A test named `limit_…` shows what the library cannot do, so that the table in
docs/integrators/signalr.md is true, and is to be changed on the day it can."""

import asyncio
import contextlib
import unittest
import urllib.parse

import aiohttp
import msgpack
from pysignalr.client import SignalRClient
from pysignalr.exceptions import NegotiationFailure, ServerError
from pysignalr.messages import CompletionClientStreamMessage, InvocationClientStreamMessage
from pysignalr.messages import InvocationMessage, StreamItemMessage
from pysignalr.protocol.json import JSONProtocol
from pysignalr.protocol.messagepack import MessagepackProtocol

from host import GUID, MESSAGE_LIMIT, PATIENCE, Host, Wire


def setUpModule():
    global host
    host = Host()


def tearDownModule():
    host.stop()


class Connection:
    """A client that runs, the task it runs in, and whether it has lost a socket."""

    def __init__(self, client, running, closed):
        self.client = client
        self.running = running
        self.closed = closed

    async def invoke(self, method, *arguments):
        """The completion: `result` or `error`."""
        answer = asyncio.get_running_loop().create_future()

        async def answered(completion):
            answer.set_result(completion)

        await self.client.send(method, list(arguments), answered)
        return await asyncio.wait_for(answer, PATIENCE)

    async def result(self, method, *arguments):
        completion = await self.invoke(method, *arguments)
        assert completion.error is None, completion.error
        return completion.result

    async def stream(self, method, *arguments):
        """All items, or the error as an exception."""
        items, ended = [], asyncio.get_running_loop().create_future()

        async def item(value):
            items.append(value)

        async def complete(_):
            ended.set_result(items)

        async def failed(completion):
            ended.set_exception(RuntimeError(completion.error))

        await self.client.stream(method, list(arguments), item, complete, failed)
        return await asyncio.wait_for(ended, PATIENCE)


@contextlib.asynccontextmanager
async def connected(protocol, prepare=lambda client: None, url=None, **options):
    client = SignalRClient(f"{url or host.url}/testhub", protocol, **options)
    opened, closed = asyncio.Event(), asyncio.Event()

    async def on_open():
        opened.set()

    async def on_close():
        closed.set()

    async def on_error(_):
        """Told to the caller by its own callback; without this one an error is an exception."""

    client.on_open(on_open)
    client.on_close(on_close)
    client.on_error(on_error)
    prepare(client)
    running = asyncio.create_task(client.run())
    try:
        opening = asyncio.create_task(opened.wait())
        await asyncio.wait({opening, running}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        assert opened.is_set(), "it does not connect"
        yield Connection(client, running, closed)
    finally:
        opening.cancel()
        running.cancel()  # the library has no other way to stop
        await asyncio.wait({running})


class Calls:
    """The same for both protocols."""

    async def test_invoke(self):
        async with connected(self.protocol()) as c:
            self.assertEqual(await c.result("Echo", "hello"), "hello")
            self.assertEqual(await c.result("GetActiveTransportName"), "WebSockets")
            self.assertIsNone(await c.result("InvokeWithString", "void"))

    async def test_invoke_that_fails(self):
        async with connected(self.protocol()) as c:
            completion = await c.invoke("ThrowException", "no")
            self.assertEqual(
                completion.error,
                "An unexpected error occurred invoking 'ThrowException' on the server. InvalidOperationException: no",
            )
            self.assertIn("Method does not exist.", (await c.invoke("Nope")).error)

    async def test_limit_an_error_without_a_callback_ends_run(self):
        async with connected(self.protocol(), lambda client: client.on_error(None)) as c:
            await c.client.send("Nope", [], lambda _: None)
            with self.assertRaisesRegex(RuntimeError, "Error callback is not set"):
                await asyncio.wait_for(c.running, PATIENCE)

    async def test_the_server_calls_a_handler(self):
        heard = asyncio.Queue()
        async with connected(self.protocol(), lambda client: client.on("Message", heard.put)) as c:
            await c.client.send("InvokeWithString", ["hello"])
            self.assertEqual(await asyncio.wait_for(heard.get(), PATIENCE), ["hello"])

    async def test_stream(self):
        async with connected(self.protocol()) as c:
            self.assertEqual(await c.stream("Stream"), ["a", "b", "c"])
            self.assertEqual(await c.stream("EmptyStream"), [])
            with self.assertRaisesRegex(RuntimeError, "InvalidOperationException: no"):
                await c.stream("StreamThrowException", "no")

    async def test_upload(self):
        # By the library's messages, since its own call asks for no answer (below).
        async with connected(self.protocol()) as c:
            answer = asyncio.get_running_loop().create_future()

            async def answered(completion):
                answer.set_result(completion.result)

            c.client._invocation_handlers["upload"] = answered
            send = c.client._transport.send
            await send(InvocationClientStreamMessage(["s"], "StreamingConcat", [], invocation_id="upload"))
            for part in ("Hello ", "wörld", "!"):
                await send(StreamItemMessage("s", part))
            await send(CompletionClientStreamMessage("s"))
            self.assertEqual(await asyncio.wait_for(answer, PATIENCE), "Hello wörld!")

    async def test_limit_an_upload_has_no_answer(self):
        async with connected(self.protocol()) as c:
            told = []
            c.client._on_completion_message = told.append
            async with c.client.client_stream("StreamingConcat") as stream:
                await stream.send("lost")
            del c.client._on_completion_message
            self.assertEqual(await c.result("Echo", "after"), "after")
            self.assertEqual(told, [])

    async def test_client_result(self):
        async def forty_two(_):
            return 42

        async with connected(self.protocol(), lambda client: client.on("Result", forty_two)) as c:
            self.assertEqual(await self.asked(c), "42")

    async def test_client_result_that_fails(self):
        async def fail(_):
            raise ValueError("not today")

        async with connected(self.protocol()) as c:
            self.assertIn("Client didn't provide a result.", await self.asked(c))
            c.client.on("Result", fail)
            self.assertIn("not today", await self.asked(c))

    async def asked(self, c):
        connection = await c.result("GetCallerConnectionId")
        return await asyncio.to_thread(host.client_result, connection)

    async def test_large_message_at_the_limit(self):
        async with connected(self.protocol()) as c:
            text = "x" * (MESSAGE_LIMIT - self.overhead())
            self.assertEqual(await c.result("Echo", text), text)

    async def test_large_message_over_the_limit_ends_run_with_the_reason(self):
        async with connected(self.protocol()) as c:
            await c.client.send("Echo", ["x" * (MESSAGE_LIMIT - self.overhead() + 1)], lambda _: None)
            with self.assertRaises(ServerError) as caught:
                await asyncio.wait_for(c.running, PATIENCE)
            self.assertIn("The maximum message size of 32768B was exceeded.", caught.exception.message)

    async def test_a_websocket_ping_is_answered_aside(self):
        async with connected(self.protocol()) as c:
            await asyncio.to_thread(host.ping, await c.result("GetCallerConnectionId"))
            self.assertEqual(await c.result("Echo", "after"), "after")

    async def test_unicode(self):
        async with connected(self.protocol()) as c:
            text = "你好，世界！ ä😀 \u2028 \x1f \\ \" \u0000"
            self.assertEqual(await c.result("Echo", text), text)

    async def test_binary(self):
        async with connected(self.protocol()) as c:
            thing = {"ByteArray": self.bytes, "DateTime": self.time, "GUID": GUID, "IntArray": [1, 255], "String": "ä"}
            self.assertEqual(await c.result("EchoComplexObject", thing), thing)
            sent = await c.result("SendComplexObject")
            self.assertEqual((sent["ByteArray"], sent["DateTime"]), (self.sent_bytes, self.sent_time))

    async def test_negotiates_version_0_where_the_public_id_is_the_secret(self):
        async with connected(self.protocol()) as c:
            query = urllib.parse.urlsplit(c.client._transport._url).query
            self.assertEqual(urllib.parse.parse_qs(query)["id"], [await c.result("GetCallerConnectionId")])

    async def test_reconnect_is_a_new_connection(self):
        wire = Wire(host)
        try:
            async with connected(self.protocol(), url=wire.url, retry_sleep=0) as c:
                first = await c.result("GetCallerConnectionId")
                wire.cut()
                await asyncio.wait_for(c.closed.wait(), PATIENCE)  # what is sent before is lost in silence
                self.assertNotEqual(await c.result("GetCallerConnectionId"), first)
        finally:
            wire.remove()

    async def test_limit_reconnects_are_counted_over_the_life_of_the_client(self):
        # Each begins at the old id, which is 404, and that costs one of 10, here of 2.
        wire = Wire(host)
        try:
            async with connected(self.protocol(), url=wire.url, retry_sleep=0, retry_count=2) as c:
                wire.cut()
                await asyncio.wait_for(c.closed.wait(), PATIENCE)
                self.assertEqual(await c.result("Echo", "back"), "back")
                wire.cut()
                with self.assertRaises(NegotiationFailure):
                    await asyncio.wait_for(c.running, PATIENCE)
        finally:
            wire.remove()

    async def test_limit_a_server_that_is_away_at_the_first_start_ends_run(self):
        wire = Wire(host)
        wire.remove()
        with self.assertRaises(aiohttp.ClientError):
            async with connected(self.protocol(), url=wire.url):
                pass


class Json(Calls, unittest.IsolatedAsyncioTestCase):
    protocol = JSONProtocol
    bytes, time = "aGVsbG8=", "2002-04-01T10:20:15Z"
    sent_bytes, sent_time = "AQID", "2000-01-01T00:00:00Z"

    def overhead(self):
        return len(JSONProtocol().encode(InvocationMessage("x" * 36, "Echo", [""], {}))) - 1


class MessagePack(Calls, unittest.IsolatedAsyncioTestCase):
    protocol = MessagepackProtocol
    bytes, time = b"hello", msgpack.Timestamp(1017656415)
    sent_bytes, sent_time = b"\x01\x02\x03", msgpack.Timestamp(946684800)

    def overhead(self):
        # A string this long has a prefix of 3 bytes, and the message one of 3 that does not count.
        return len(MessagepackProtocol().encode(InvocationMessage("x" * 36, "Echo", ["x" * 30_000], {}))) - 30_000 - 3
