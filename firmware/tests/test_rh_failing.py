"""Whatever network, frames, files and log throw: a session ends and no more."""

import unittest

from link_fixtures import Supervisor
from rh import store
from session_fixtures import KINDS, LinkCase, thrower


class Sessions(LinkCase):
    def outlives(self, place, name, kind, *peers):
        """The link dials again and again while `place.name` throws, and talks once it has stopped."""
        keep_it = getattr(place, name)
        setattr(place, name, thrower(kind))

        async def steps():
            await self.settle(200)
            await self.seconds(5)
            setattr(place, name, keep_it)
            await self.settle(200)
            await self.seconds(20)
            self.assertTrue(self.link.ready, "{} {}".format(name, kind))

        try:
            self.run_link(steps, *peers)
        finally:
            setattr(place, name, keep_it)
        self.assertGreaterEqual(self.dials, 1)

    def each_kind(self, place, name):
        for kind in KINDS:
            self.tearDown()
            self.setUp()
            owner = place()
            self.outlives(owner, name, kind, *[Supervisor(ep=ep) for ep in range(1, 400)])

    def test_the_network(self):
        for kind in KINDS:
            self.tearDown()
            self.setUp()
            self.link._dial = self.failing_dial = thrower(kind)

            async def steps():
                await self.settle(300)
                self.link._dial = self.dial
                await self.settle(300)
                self.assertTrue(self.link.ready)

            self.run_link(steps, Supervisor())

    def test_the_handshake_and_later_reads(self):
        for kind in KINDS:
            self.tearDown()
            self.setUp()
            peer = Supervisor(ep=2)

            async def broken(k=kind):
                stream = await self.dial()
                if self.dials <= 3:
                    setattr(stream, ("read", "write", "drain")[self.dials - 1], thrower(k))
                return stream

            self.link._dial = broken

            async def steps():
                await self.settle(400)
                self.assertTrue(self.link.ready)

            self.run_link(steps, *[Supervisor(), Supervisor(), Supervisor(), peer])
            self.assertGreaterEqual(self.dials, 4)

    def test_hello(self):
        self.each_kind(lambda: self.board, "hello")

    def test_commands(self):
        self.each_kind(lambda: self.board.commands, "apply")

    def test_journal(self):
        for name in ("put", "fetch", "acknowledge", "rewind"):
            self.each_kind(lambda: self.board.journal, name)

    def test_packing_of_records(self):
        self.each_kind(lambda: self.board.recorder, "payload")

    def test_the_log(self):
        self.each_kind(lambda: self.board, "log")

    def test_commands_are_obeyed_while_the_journal_fails(self):
        self.board.journal.fetch = thrower(ValueError)
        self.board.journal.acknowledge = thrower(ValueError)

        async def steps():
            await self.settle(200)
            await self.seconds(90)
            self.assertTrue(self.link.ready)

        self.run_link(steps, Supervisor())
        self.assertEqual(self.dials, 1)

    def test_state_that_cannot_be_stored_is_answered(self):
        for kind in KINDS:
            if not issubclass(kind, Exception):
                continue
            self.tearDown()
            self.setUp()
            peer = Supervisor()
            keep_it, store.save = store.save, thrower(kind)
            try:

                async def steps(p=peer):
                    await self.settle(200)
                    self.assertEqual([m["rc"] for m in p.of("result")], [7])

                self.run_link(steps, peer)
            finally:
                store.save = keep_it

    def test_acknowledgements_of_any_shape(self):
        for body in (
            {"q": [[]]},
            {"q": [{}]},
            {"q": {}},
            {"q": [1.5]},
            {"q": [10**300]},
            {"q": ["1"]},
            {"q": [None, True]},
            {"q": None},
            {"boot": 10**300},
            {"boot": []},
            {"boot": 1.0},
            {"b": []},
            {"b": None},
        ):
            peer = Supervisor()

            async def steps(p=peer, changed=body):
                await self.settle(200)
                await self.seconds(11)
                ack = {"t": "ack", "b": "b01", "boot": 1, "q": [1]}
                ack.update(changed)
                p.send(ack)
                await self.settle(200)
                await self.seconds(11)
                self.assertTrue(self.link.ready, repr(changed))

            self.tearDown()
            self.setUp()
            self.run_link(steps, peer)
            self.assertEqual(self.dials, 1)

    def test_garbage_from_an_authentic_server(self):
        for raw in (b"[" * 900, b"{" * 900, b'{"t":' * 150, b"9" * 900, b'{"t":1e999}', b"\xff" * 100, b"null", b'"a"'):
            peer = Supervisor()

            async def steps(p=peer, payload=raw):
                await self.settle(200)
                p.raw(payload + b"\n" + p.mac.hex(b"S", payload))
                p.raw(payload)
                await self.settle(200)
                await self.seconds(11)
                self.assertTrue(self.link.ready)

            self.tearDown()
            self.setUp()
            self.run_link(steps, peer)

    def test_nonces_of_any_shape(self):
        accents = b'{"t":"nonce","n":"' + b"\xc3\xa9" * 16 + b'"}'
        for nonce in (b"[" * 900, b"{}", b'{"t":"nonce","n":[]}', accents, b"\xff"):
            self.tearDown()
            self.setUp()
            wrong = Supervisor()
            wrong.nonce_frame = nonce

            async def steps():
                await self.settle(400)
                self.assertTrue(self.link.ready)

            self.run_link(steps, wrong, Supervisor())


if __name__ == "__main__":
    unittest.main()
