"""Frames: the same MAC as the supervisor's, nothing parsed before it holds, garbage never gets through."""

import unittest
from binascii import hexlify
from hashlib import sha256

from board_fixtures import KEY
from rh.wire import FRAME_MAX, FrameError, Mac, parse


def command(payload, key=KEY):
    return payload + b"\n" + Mac(key).hex(b"S", payload)


class Macs(unittest.TestCase):
    def test_hmac_of_rfc_4231(self):
        # Test cases 1 and 2 of RFC 4231 for HMAC-SHA-256.
        cases = (
            (b"\x0b" * 20, b"Hi There", b"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                b"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
        )
        for key, text, expected in cases:
            self.assertEqual(Mac(key).hex(text[:3], text[3:]), expected)

    def test_opens_what_was_sealed_for_it(self):
        self.assertEqual(Mac(KEY).open(command(b'{"t":"ack"}')), {"t": "ack"})

    def test_every_flipped_bit_is_refused(self):
        frame = command(b'{"t":"clock","utc":1795000000}')
        mac = Mac(KEY)
        for i in range(len(frame)):
            for bit in (1, 16):
                with self.assertRaises(FrameError):
                    mac.open(frame[:i] + bytes([frame[i] ^ bit]) + frame[i + 1 :])

    def test_every_truncation_is_refused(self):
        frame = command(b'{"t":"clock","utc":1795000000}')
        mac = Mac(KEY)
        for i in range(len(frame)):
            with self.assertRaises(FrameError):
                mac.open(frame[:i])

    def test_other_key_other_direction_and_reflection_are_refused(self):
        payload = b'{"t":"ack"}'
        mac = Mac(KEY)
        for frame in (command(payload, bytes(32)), mac.seal(b"", payload), mac.seal(b"0" * 32, payload), payload):
            with self.assertRaises(FrameError):
                mac.open(frame)

    def test_oversized_is_refused_before_hashing(self):
        with self.assertRaises(FrameError):
            Mac(KEY).open(command(b'{"a":"' + b"x" * FRAME_MAX + b'"}'))

    def test_nothing_is_parsed_before_the_mac_is_verified(self):
        with self.assertRaises(FrameError) as raised:
            Mac(KEY).open(b"\xff\xfe[" + b"\n" + b"0" * 64)
        self.assertEqual(raised.exception.args, ("MAC",))

    def test_report_carries_the_nonce(self):
        nonce = b"ab" * 16
        frame = Mac(KEY).seal(nonce, b"{}")
        pad = KEY + bytes(32)
        inner = sha256(bytes([b ^ 0x36 for b in pad]) + b"B" + nonce + b"{}").digest()
        self.assertEqual(frame, b"{}\n" + hexlify(sha256(bytes([b ^ 0x5C for b in pad]) + inner).digest()))


class Parse(unittest.TestCase):
    def test_only_objects(self):
        for text in (b"", b"[1]", b"1", b'"a"', b"null", b"\x00", b"\xff\xff", b"nul"):
            with self.assertRaises(FrameError):
                parse(text)

    def test_garbage_that_the_vm_accepts_is_an_object_at_least(self):
        for text in (b"{", b'{"a":}', b"{1:2}", b'{"a":1 "b":2}', b'{"a":1,}', b'{"a":1}x['):
            try:
                self.assertTrue(type(parse(text)) is dict)
            except FrameError:
                pass

    def test_odd_but_harmless_values_come_through_as_values(self):
        # 1e400 is infinite, duplicate keys keep one: types are checked by the commands, which take integers only.
        self.assertTrue(type(parse(b'{"q":1e400}')["q"]) is not int)
        self.assertEqual(parse(b'{"q":1,"q":2}'), {"q": 2})


if __name__ == "__main__":
    unittest.main()
