"""signalrcore 1.0.2 (threads, all three transports) against the interoperability host.

A test named `limit_…` shows what the library cannot do, so that the table in
docs/integrators/signalr.md is true, and is to be changed on the day it can."""

import queue
import threading
import time
import unittest
import urllib.parse
import urllib.request

import msgpack
from signalrcore.hub.handlers import StreamHandler
from signalrcore.hub_connection_builder import HubConnectionBuilder
from signalrcore.messages.close_message import CloseMessage
from signalrcore.messages.completion_message import CompletionClientStreamMessage
from signalrcore.messages.invocation_message import InvocationClientStreamMessage, InvocationMessage
from signalrcore.messages.ping_message import PingMessage
from signalrcore.messages.stream_invocation_message import StreamInvocationMessage
from signalrcore.messages.stream_item_message import StreamItemMessage
from signalrcore.protocol.json_hub_protocol import JsonHubProtocol
from signalrcore.protocol.messagepack_protocol import MessagePackHubProtocol
from signalrcore.subject import Subject
from signalrcore.types import HttpTransportType, HubProtocolEncoding

from host import GUID, MESSAGE_LIMIT, PATIENCE, Host, Wire

WebSockets = HttpTransportType.web_sockets
ServerSentEvents = HttpTransportType.server_sent_events
LongPolling = HttpTransportType.long_polling
TEXT, BINARY = HubProtocolEncoding.text, HubProtocolEncoding.binary


def setUpModule():
    global host
    host = Host()


def tearDownModule():
    host.stop()


class Case(unittest.TestCase):
    """One connection over a wire of its own, which ends it: `stop` may wait for seconds (below)."""

    transport, encoding = WebSockets, TEXT

    def connect(self, prepare=lambda hub: None, reconnect=None, **options):
        hub = self.build(reconnect=reconnect, **options)
        prepare(hub)
        hub.start()
        self.assertTrue(self.opened.wait(PATIENCE), "it does not connect")
        return hub

    def build(self, path="/testhub", reconnect=None, **options):
        self.wire = Wire(host)
        builder = HubConnectionBuilder().with_url(
            self.wire.url + path, options={"transport": self.transport, **options}
        )
        builder.with_hub_protocol(self.encoding)
        if reconnect:
            builder.with_automatic_reconnect(reconnect)
        hub = builder.build()
        self.addCleanup(self.end, hub)
        self.opened, self.closed, self.reconnected = threading.Event(), threading.Event(), threading.Event()
        self.errors, self.ends = queue.Queue(), queue.Queue()
        hub.on_open(self.opened.set)
        hub.on_close(self.closed.set)
        hub.on_reconnect(self.reconnected.set)
        hub.on_error(lambda completion: self.errors.put(completion.error))
        hear = hub.on_message

        def hear_and_keep_the_end(messages):
            for message in messages:
                if isinstance(message, CloseMessage):
                    self.ends.put(message.error)  # which the library only logs
            hear(messages)

        hub.on_message = hear_and_keep_the_end
        return hub

    def end(self, hub):
        hub.transport.manually_closing = True
        hub.transport.connection_checker.stop()
        if self.transport is LongPolling:
            hub.transport._client._running = False
        self.wire.remove()

    def call(self, hub, method, *arguments):
        """A queue that the result comes into."""
        answer = queue.Queue()
        hub.send(method, list(arguments), lambda completion: answer.put(completion.result))
        return answer

    def invoke(self, hub, method, *arguments):
        return self.call(hub, method, *arguments).get(timeout=PATIENCE)

    def stream(self, hub, method):
        """All items; its handlers are there before the call, unlike those of the library's own."""
        items, ended = [], threading.Event()
        handler = StreamHandler(method, method)
        handler.subscribe({"next": items.append, "complete": lambda _: ended.set(), "error": self.fail})
        hub.stream_handlers[method].append(handler)
        hub.transport.send(StreamInvocationMessage(method, method, []))
        self.assertTrue(ended.wait(PATIENCE))
        return items

    def wait_for(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)


class Calls:
    """The same for each transport and protocol that the library has."""

    def test_invoke(self):
        hub = self.connect()
        self.assertEqual(self.invoke(hub, "Echo", "hello"), "hello")
        self.assertEqual(self.invoke(hub, "GetActiveTransportName"), self.transport.value)

    def test_the_server_calls_a_handler(self):
        heard = queue.Queue()
        hub = self.connect(lambda hub: hub.on("Message", heard.put))
        hub.send("InvokeWithString", ["hello"])
        self.assertEqual(heard.get(timeout=PATIENCE), ["hello"])

    def test_limit_an_error_reaches_only_the_handler_of_all(self):
        hub = self.connect()
        answer = self.call(hub, "ThrowException", "no")
        self.assertIn("InvalidOperationException: no", self.errors.get(timeout=PATIENCE))
        self.assertEqual(self.invoke(hub, "Echo", "after"), "after")
        self.assertTrue(answer.empty())

    def test_limit_no_client_results(self):
        # A handler's value is dropped: the server waits until the connection is over.
        called, answer = threading.Event(), queue.Queue()

        def forty_two(_):
            called.set()
            return 42

        hub = self.connect(lambda hub: hub.on("Result", forty_two))
        connection = self.invoke(hub, "GetCallerConnectionId")
        threading.Thread(target=lambda: answer.put(host.client_result(connection)), daemon=True).start()
        self.assertTrue(called.wait(PATIENCE))
        self.assertRaises(queue.Empty, answer.get, timeout=0.5)
        if self.transport is LongPolling:
            hub.stop()
        self.wire.cut(refuse=True)
        self.assertNotEqual(answer.get(timeout=PATIENCE), "42")

    def test_large_message_at_the_limit(self):
        hub = self.connect()
        text = "x" * (MESSAGE_LIMIT - self.overhead())
        self.assertEqual(self.invoke(hub, "Echo", text), text)

    def test_large_message_over_the_limit_is_closed_with_the_reason(self):
        hub = self.connect()
        hub.send("Echo", ["x" * (MESSAGE_LIMIT - self.overhead() + 1)])
        self.assertIn("The maximum message size of 32768B was exceeded.", self.ends.get(timeout=PATIENCE))
        self.assertTrue(self.closed.wait(PATIENCE))

    def test_unicode(self):
        hub = self.connect()
        text = "你好，世界！ ä😀 \u2028 \\ \" }{ \u0000"
        self.assertEqual(self.invoke(hub, "Echo", text), text)

    def test_binary(self):
        hub = self.connect()
        thing = {"ByteArray": self.bytes, "DateTime": self.time, "GUID": GUID, "IntArray": [1, 255], "String": "ä"}
        self.assertEqual(self.invoke(hub, "EchoComplexObject", thing), thing)
        sent = self.invoke(hub, "SendComplexObject")
        self.assertEqual((sent["ByteArray"], sent["DateTime"]), (self.sent_bytes, self.sent_time))

    def test_negotiates_version_0_where_the_public_id_is_the_secret(self):
        hub = self.connect()
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(hub.url).query)
        self.assertEqual(query["id"], [self.invoke(hub, "GetCallerConnectionId")])


class Json(Calls):
    bytes, time = "aGVsbG8=", "2002-04-01T10:20:15Z"
    sent_bytes, sent_time = "AQID", "2000-01-01T00:00:00Z"

    def overhead(self):
        empty = InvocationMessage("x" * 36, "Echo", [""], headers={"Content-Type": "application/json"})
        return len(JsonHubProtocol().encode(empty)) - 1

    def test_upload(self):
        # By the library's messages, since its own call asks for no answer (below).
        hub = self.connect()
        answer = self.call(hub, "Echo", "first")
        answer.get(timeout=PATIENCE)
        begin = InvocationClientStreamMessage(["s"], "StreamingConcat", [])
        begin.invocation_id = "upload"
        told = queue.Queue()
        hub.stream_handlers["upload"].append(Told(told))
        hub.transport.send(begin)
        for part in ("Hello ", "wörld", "!"):
            hub.transport.send(StreamItemMessage("s", part))
        hub.transport.send(CompletionClientStreamMessage("s"))
        self.assertEqual(told.get(timeout=PATIENCE).result, "Hello wörld!")

    def test_limit_an_upload_has_no_answer(self):
        hub, told = self.connect(), []
        upload = Subject()
        hub.stream_handlers[upload.invocation_id].append(Told(told))
        hub.send("StreamingConcat", upload)
        upload.next("lost")
        upload.complete()
        self.assertEqual(self.invoke(hub, "Echo", "after"), "after")
        self.assertEqual(told, [])


class Told:
    """A handler as the library keeps them for answers."""

    def __init__(self, told):
        self.complete_callback = told.put if isinstance(told, queue.Queue) else told.append


class Streams:
    def test_stream(self):
        hub = self.connect()
        self.assertEqual(self.stream(hub, "Stream"), ["a", "b", "c"])
        self.assertEqual(self.stream(hub, "EmptyStream"), [])

    def test_limit_what_comes_before_the_handlers_of_a_stream_is_lost(self):
        hub, told = self.connect(), []
        stream = hub.stream("Stream", [])
        self.wait_for(lambda: stream.invocation_id not in hub.stream_handlers)
        stream.subscribe({"next": told.append, "complete": told.append, "error": told.append})
        self.assertEqual(self.invoke(hub, "Echo", "after"), "after")
        self.assertEqual(told, [])

    def test_limit_an_error_of_a_stream_reaches_only_the_handler_of_all(self):
        hub, told = self.connect(), []
        callbacks = {"next": told.append, "complete": told.append, "error": told.append}
        hub.stream("StreamThrowException", ["no"]).subscribe(callbacks)
        self.assertIn("InvalidOperationException: no", self.errors.get(timeout=PATIENCE))
        self.assertEqual(told, [])


class Pinged:
    def test_a_websocket_ping_that_it_takes_for_a_message_does_no_harm(self):
        # Its payload has to be one that says nothing.
        hub = self.connect()
        told = []
        hub.transport._on_message = lambda messages, tell=hub.transport._on_message: (told.extend(messages), tell(messages))
        host.ping(self.invoke(hub, "GetCallerConnectionId"))
        self.assertEqual(self.invoke(hub, "Echo", "after"), "after")
        self.assertFalse(self.closed.is_set())
        pings = [message for message in told if isinstance(message, PingMessage)]
        self.assertEqual(len(pings), 1 if self.encoding is TEXT else 0)


class WebSocketsJson(Json, Streams, Pinged, Case):
    def test_negotiation_can_be_skipped(self):
        hub = self.connect(skip_negotiation=True)
        self.assertEqual(self.invoke(hub, "Echo", "hello"), "hello")

    def test_limit_stop_waits_for_the_next_word_of_the_server(self):
        hub = self.connect()
        self.invoke(hub, "Echo", "hello")
        time.sleep(0.3)  # it reads by now, which closing does not wake
        stopping = threading.Thread(target=hub.stop, daemon=True)
        stopping.start()
        stopping.join(0.5)
        self.assertTrue(stopping.is_alive())
        self.wire.cut()
        stopping.join(PATIENCE)
        self.assertFalse(stopping.is_alive())

    def test_without_automatic_reconnect_a_lost_socket_is_told(self):
        self.connect()
        self.wire.cut()
        self.assertTrue(self.closed.wait(PATIENCE))

    RECONNECT = {"type": "raw", "keep_alive_interval": 0.2, "reconnect_interval": 0.05}

    def test_reconnect_is_a_new_connection(self):
        hub = self.connect(reconnect=self.RECONNECT)
        first = self.invoke(hub, "GetCallerConnectionId")
        for _ in range(2):
            self.reconnected.clear()
            self.wire.cut()
            self.assertTrue(self.reconnected.wait(PATIENCE))
            self.assertNotEqual(self.invoke(hub, "GetCallerConnectionId"), first)

    def test_limit_reconnect_gives_up_when_its_first_attempt_fails(self):
        # Whatever `max_attempts` says: it stays in the state of reconnecting, and nothing is told.
        hub = self.connect(reconnect=self.RECONNECT)
        before = self.wire.accepted
        self.wire.cut(refuse=True)
        self.wait_for(lambda: self.wire.accepted > before)
        self.wire.mend()
        self.assertFalse(self.reconnected.wait(3))
        self.assertEqual(self.wire.accepted, before + 1)
        self.assertTrue(hub.transport.is_reconnecting())
        self.assertFalse(self.closed.is_set())


class ServerSentEventsJson(Json, Streams, Case):
    transport = ServerSentEvents

    def test_large_message_over_the_limit_is_closed_with_the_reason(self):
        # The reason is in the last event; when the end comes in the same packet the library drops both.
        hub = self.connect()
        hub.send("Echo", ["x" * (MESSAGE_LIMIT - self.overhead() + 1)])
        self.assertTrue(self.closed.wait(PATIENCE))

    def test_limit_messagepack_is_asked_for_in_vain(self):
        self.encoding = BINARY
        hub = self.connect()
        self.assertEqual(hub.protocol.protocol, "json")


class LongPollingJson(Json, Case):
    transport = LongPolling

    def test_limit_of_each_answer_only_the_first_message_is_read(self):
        # The others come with the next answer, one behind for ever.
        inside, on = threading.Event(), threading.Event()

        def hold(_):
            inside.set()
            on.wait(PATIENCE)

        hub = self.connect(lambda hub: hub.on("Message", hold))
        hub.send("InvokeWithString", ["hold the thread that polls"])
        self.assertTrue(inside.wait(PATIENCE))
        self.call(hub, "Echo", "to fetch the answer of the above")
        first, second = self.call(hub, "Echo", "1"), self.call(hub, "Echo", "2")
        on.set()
        self.assertRaises(queue.Empty, second.get, timeout=1)
        for _ in range(3):
            self.call(hub, "Echo", "push")
            time.sleep(0.1)
        self.assertEqual((first.get(timeout=PATIENCE), second.get(timeout=PATIENCE)), ("1", "2"))

    def test_limit_asks_without_pause_once_its_connection_is_gone(self):
        hub = self.connect()
        query = urllib.parse.urlsplit(hub.url).query
        gone = urllib.request.Request(f"{host.url}/testhub?{query}", method="DELETE")
        urllib.request.urlopen(gone).close()
        self.wait_for_many_requests()
        self.assertFalse(self.closed.is_set())

    def test_limit_polls_carry_no_token_and_are_repeated_without_pause(self):
        token = lambda: urllib.request.urlopen(f"{host.url}/generateJwtToken").read().decode()
        hub = self.build("/authorizedhub", access_token_factory=token)
        hub.start()
        self.wait_for_many_requests()
        self.assertFalse(self.opened.is_set())

    def wait_for_many_requests(self):
        before = self.wire.accepted
        self.wait_for(lambda: self.wire.accepted > before + 30)


class WebSocketsMessagePack(Calls, Streams, Pinged, Case):
    encoding = BINARY
    bytes, time = b"hello", msgpack.Timestamp(1017656415)
    sent_bytes, sent_time = b"\x01\x02\x03", msgpack.Timestamp(946684800)

    def overhead(self):
        # A string this long has a prefix of 3 bytes, and the message one of 3 that does not count.
        full = InvocationMessage("x" * 36, "Echo", ["x" * 30_000], headers={"Content-Type": "application/json"})
        return len(MessagePackHubProtocol().encode(full)) - 30_000 - 3

    def test_limit_an_upload_is_malformed_and_closed_with_the_reason(self):
        # Its invocation has no place for the id, so the target is taken for it.
        hub = self.connect()
        hub.send("StreamingConcat", Subject())
        self.assertRegex(self.ends.get(timeout=PATIENCE), "target|Invocation")
        self.assertTrue(self.closed.wait(PATIENCE))
