"""The recipes for Python of docs/clients/python.md, run as they stand there: an item is shown once and
acknowledged each time, and a lost connection is made anew."""

import asyncio
import queue
import socket
import threading
import unittest
import unittest.mock

import pysignalr.client
import signalrcore.hub_connection_builder
from pysignalr.client import SignalRClient
from signalrcore.hub_connection_builder import HubConnectionBuilder

from host import PATIENCE, Host, Wire
from recipes import recipe


def setUpModule():
    global host
    host = Host()


def tearDownModule():
    host.stop()


class Pysignalr(unittest.IsolatedAsyncioTestCase):
    async def test_recipe_shows_once_acknowledges_each_time_and_comes_back(self):
        wire, shown, acknowledged, clients = Wire(host), asyncio.Queue(), asyncio.Queue(), asyncio.Queue()

        class Recorded(SignalRClient):
            """Knows its connection, which the recipe keeps to itself."""

            async def run(self):
                async def acknowledge(arguments):
                    await acknowledged.put(arguments[0])

                async def open():
                    await clients.put(self)

                self.on("Message", acknowledge)
                self.on_open(open)
                await super().run()

        async def fresh_token():
            return "a-token"

        # The host's own words for what Bellhop's hub has: the server calls back with what it is sent.
        code = recipe("pysignalr", {
            "wss://bell.example/hubs/workflow?device=desk-1&methods=notification": f"ws{wire.url[4:]}/testhub",
            '"Notification"': '"CustomObject"',
            "AcknowledgeNotification": "InvokeWithString",
            "0.5 * 2**failed": "0",
        })
        names = {"fresh_token": fresh_token, "show": shown.put_nowait, "print": lambda *_: None}
        with unittest.mock.patch.object(pysignalr.client, "SignalRClient", Recorded):
            exec(compile(code, "docs/clients/python.md", "exec"), names)
        forever = asyncio.create_task(names["forever"]())
        try:
            first = {"notificationId": "1", "title": "ä"}
            client = await asyncio.wait_for(clients.get(), PATIENCE)
            for _ in range(2):  # the second as after a lost ack
                await client.send("SendCustomObject", [first])
                self.assertEqual(await asyncio.wait_for(acknowledged.get(), PATIENCE), "1")
            wire.cut()
            client = await asyncio.wait_for(clients.get(), PATIENCE)
            for item in (first, {"notificationId": "2"}):
                await client.send("SendCustomObject", [item])
                self.assertEqual(await asyncio.wait_for(acknowledged.get(), PATIENCE), item["notificationId"])
            self.assertEqual([shown.get_nowait(), shown.get_nowait()], [first, {"notificationId": "2"}])
            self.assertTrue(shown.empty())
        finally:
            forever.cancel()
            wire.remove()


class Signalrcore(unittest.TestCase):
    def test_recipe_shows_once_acknowledges_each_time_and_comes_back(self):
        wire, hubs, shown, acknowledged = Wire(host), queue.Queue(), queue.Queue(), queue.Queue()
        self.addCleanup(wire.remove)

        class Recorded(HubConnectionBuilder):
            """Knows its connection, which the recipe keeps to itself."""

            def build(self):
                hub = super().build()
                hub.on_open(lambda: hubs.put(hub))
                hub.on("Message", lambda arguments: acknowledged.put(arguments[0]))
                return hub

        class Enough(BaseException):
            """Ends the recipe, which nothing else does."""

        def fresh_token():
            if ended.is_set():
                raise Enough
            return "a-token"

        # The host's own words for what Bellhop's hub has: the server calls back with what it is sent.
        code = recipe("signalrcore", {
            "wss://bell.example/hubs/workflow?device=desk-1&methods=notification": f"ws{wire.url[4:]}/testhub",
            '"Notification"': '"CustomObject"',
            "AcknowledgeNotification": "InvokeWithString",
            "0.5 * 2**failed": "0",
        })
        names, ended = {"fresh_token": fresh_token, "show": shown.put, "print": lambda *_: None}, threading.Event()
        with unittest.mock.patch.object(signalrcore.hub_connection_builder, "HubConnectionBuilder", Recorded):
            exec(compile(code, "docs/clients/python.md", "exec"), names)
        self.addCleanup(socket.setdefaulttimeout, None)
        self.assertEqual(socket.getdefaulttimeout(), 45)

        def forever():
            try:
                names["forever"]()
            except Enough:
                pass

        running = threading.Thread(target=forever, daemon=True)
        running.start()
        items = [{"notificationId": str(number), "title": "ä"} for number in range(3)]

        def receive(hub, item):
            hub.send("SendCustomObject", [item])
            self.assertEqual(acknowledged.get(timeout=PATIENCE), item["notificationId"])

        hub = hubs.get(timeout=PATIENCE)
        receive(hub, items[0])
        receive(hub, items[0])  # as after a lost ack
        wire.cut()
        hub = hubs.get(timeout=PATIENCE)
        receive(hub, items[0])
        receive(hub, items[1])
        socket.setdefaulttimeout(0.5)  # the next one hears nothing for so long
        wire.cut()
        hubs.get(timeout=PATIENCE)
        hubs.get(timeout=PATIENCE)
        socket.setdefaulttimeout(None)
        receive(hubs.get(timeout=PATIENCE), items[2])
        self.assertEqual([shown.get_nowait() for _ in items], items)
        self.assertTrue(shown.empty())
        ended.set()
        wire.cut(refuse=True)
        running.join(PATIENCE)
        self.assertFalse(running.is_alive())
