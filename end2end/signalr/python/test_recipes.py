"""The recipes for Python of docs/clients/python.md, run as they stand there: an item is shown once and
acknowledged each time, what is taken back is hidden, and a lost connection is made anew."""

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


# As the hub sends them: a withdrawal is an item of its own, with an id that is nobody's card.
def item(number):
    return {"notificationId": str(number), "kind": "NewTask", "title": "ä"}


def withdrawal(*ids):
    return {"notificationId": "w", "kind": "NotificationWithdrawn", "title": "", "ids": list(ids),
            "reason": "cancelled"}


class Screen:
    """What `show` and `hide` of the recipes make: cards, and each showing and hiding in its order."""

    def __init__(self):
        self.cards, self.deeds = {}, queue.Queue()

    def show(self, item):
        self.cards[item["notificationId"]] = item
        self.deeds.put(("shown", item["notificationId"]))

    def hide(self, ids):
        for id in ids:
            self.cards.pop(id, None)
        self.deeds.put(("hidden", ids))

    def so_far(self):
        return [self.deeds.get_nowait() for _ in range(self.deeds.qsize())]


def setUpModule():
    global host
    host = Host()


def tearDownModule():
    host.stop()


class Pysignalr(unittest.IsolatedAsyncioTestCase):
    async def test_recipe_shows_once_hides_what_is_taken_back_acknowledges_each_time_and_comes_back(self):
        wire, screen, acknowledged, clients = Wire(host), Screen(), asyncio.Queue(), asyncio.Queue()

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
        names = {"fresh_token": fresh_token, "show": screen.show, "hide": screen.hide, "print": lambda *_: None}
        with unittest.mock.patch.object(pysignalr.client, "SignalRClient", Recorded):
            exec(compile(code, "docs/clients/python.md", "exec"), names)
        forever = asyncio.create_task(names["forever"]())
        try:
            async def receive(number):
                await client.send("SendCustomObject", [item(number)])
                self.assertEqual(await asyncio.wait_for(acknowledged.get(), PATIENCE), str(number))

            client = await asyncio.wait_for(clients.get(), PATIENCE)
            await receive(1)
            await receive(1)  # as after a lost ack
            wire.cut()
            client = await asyncio.wait_for(clients.get(), PATIENCE)
            await receive(1)
            await receive(2)
            self.assertEqual(screen.so_far(), [("shown", "1"), ("shown", "2")])
            await client.send("SendCustomObject", [withdrawal("1", "never shown")])
            await receive(3)  # the next ack is of this one: a withdrawal is not acknowledged
            self.assertEqual(screen.so_far(), [("hidden", ["1", "never shown"]), ("shown", "3")])
            self.assertEqual(list(screen.cards), ["2", "3"])
        finally:
            forever.cancel()
            wire.remove()


class Signalrcore(unittest.TestCase):
    def test_recipe_shows_once_hides_what_is_taken_back_acknowledges_each_time_and_comes_back(self):
        wire, hubs, screen, acknowledged = Wire(host), queue.Queue(), Screen(), queue.Queue()
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
        names = {"fresh_token": fresh_token, "show": screen.show, "hide": screen.hide, "print": lambda *_: None}
        ended = threading.Event()
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

        def receive(hub, number):
            hub.send("SendCustomObject", [item(number)])
            self.assertEqual(acknowledged.get(timeout=PATIENCE), str(number))

        hub = hubs.get(timeout=PATIENCE)
        receive(hub, 1)
        receive(hub, 1)  # as after a lost ack
        wire.cut()
        hub = hubs.get(timeout=PATIENCE)
        receive(hub, 1)
        receive(hub, 2)
        self.assertEqual(screen.so_far(), [("shown", "1"), ("shown", "2")])
        hub.send("SendCustomObject", [withdrawal("1", "never shown")])
        receive(hub, 3)  # the next ack is of this one: a withdrawal is not acknowledged
        self.assertEqual(screen.so_far(), [("hidden", ["1", "never shown"]), ("shown", "3")])
        self.assertEqual(list(screen.cards), ["2", "3"])
        socket.setdefaulttimeout(0.5)  # the next one hears nothing for so long
        wire.cut()
        hubs.get(timeout=PATIENCE)
        hubs.get(timeout=PATIENCE)
        socket.setdefaulttimeout(None)
        receive(hubs.get(timeout=PATIENCE), 4)
        self.assertEqual(screen.so_far(), [("shown", "4")])
        ended.set()
        wire.cut(refuse=True)
        running.join(PATIENCE)
        self.assertFalse(running.is_alive())
