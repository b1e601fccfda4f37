"""The interoperability host (server/signalr/examples/interop), one for each module of tests, and a wire
to it that can be cut."""

import json
import os
import signal
import socket
import subprocess
import threading
import urllib.request

# Far above what any step takes; who waits longer waits for ever.
PATIENCE = 20

# What the host refuses, in bytes of one hub message without its frame: `HubOptions::max_message_bytes`.
MESSAGE_LIMIT = 32 * 1024

# As EchoComplexObject and SendComplexObject have it: bytes and times differ between the protocols.
GUID = "00010203-0405-0607-0706-050403020100"


class Host:
    def __init__(self):
        program = os.environ.get("INTEROP")
        if not program:
            raise RuntimeError("INTEROP must name the built example `interop` of the crate `signalr`")
        self.process = subprocess.Popen([program], stdout=subprocess.PIPE)
        self.url = json.loads(self.process.stdout.readline())["http"]

    def client_result(self, connection):
        """What the client answers to `Result`, or the words of the refusal."""
        with urllib.request.urlopen(f"{self.url}/clientresult/{connection}", timeout=PATIENCE) as answer:
            return answer.read().decode()

    def ping(self, connection):
        """Sends it a WebSocket ping with a payload, as Bellhop's hub does for evidence of delivery."""
        with urllib.request.urlopen(f"{self.url}/ping/{connection}", timeout=PATIENCE) as answer:
            assert answer.read() == b"asked"

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.stdout.close()
        code = self.process.wait(PATIENCE)
        if code != 0:
            raise AssertionError(f"the host did not stop cleanly: {code}")


class Wire:
    """Carries bytes between clients and the host; `cut` ends every connection without a word."""

    def __init__(self, host):
        address, _, port = host.url.removeprefix("http://").rpartition(":")
        self.far = (address, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.lock = threading.Lock()
        self.sockets = set()
        self.refusing = False
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, refuse=False):
        """With `refuse` also every later connection, until `mend`."""
        with self.lock:
            self.refusing = refuse
            for end in self.sockets:
                self._end(end)

    def mend(self):
        with self.lock:
            self.refusing = False

    def remove(self):
        self.cut(refuse=True)
        self._end(self.listener)
        self.listener.close()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.accepted += 1
                if self.refusing:
                    near.close()
                    continue
                far = socket.create_connection(self.far)
                self.sockets |= {near, far}
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        with self.lock:
            self._end(target)
            self.sockets.discard(source)
        source.close()

    @staticmethod
    def _end(end):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
