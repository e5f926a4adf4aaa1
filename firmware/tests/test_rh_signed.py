"""Signatures by keys of an engineer: either of two counts, and nothing else does.

The vectors were made with OpenSSL's RSA (python-cryptography); tools/tests compares both sides with fresh keys.
"""

import os
import unittest
from binascii import hexlify, unhexlify

from board_fixtures import remove
from rh import seal, signed

TEXT = b'{"v": 1}'
FIRST = unhexlify(
    "966889d68ce0db1f1c4449d3e682caa9733cc0d9f562e124c1ea31ad024a839b295fffd494193f2ffdfcaa2db4ff224e"
    "08f4938652e11341d5e70a531e15af8fb25e0b2bfb686f7e9ff4f227c865d91a940987804732f33b5e193a468ee38bc4"
    "9dcc82bb970dba2163ef5d4f80256cc71b3774f84a24b596665eb57231033534d76741a64e9f5213a1117828bd1cda87"
    "d0a172dbbc2d8a36e4c31b3d583c3ce44257a7d5e46d24898f9f22bb4d9b9725900dbe5a462e9df05e1afcc360b082a1"
    "ab842e84e0e6260794269fb8e966141b7552f0e1db796868bce5ce159a5bc8bbd7cac6feb674377caa48daeeb2529ae7"
    "0bc3b8e6abf6558e6404e91d885504b02a9dcb72b54a4573e4fb72a49370d542565ddcd149830e67ddea660c34fcf1db"
    "ea71afffbd6eb6a27be9de6393623ea913be1ae107acdacf8e95fcd4dbd0d5a5dc5c2714bf2ac09bab08cbac4b321e1b"
    "c1430ff3b087cbb6d3b4ded8f4da2c3af0945c27e2ca3fe44a9561aeb4209fac00446c1954a285b0d70e97def11c33f9"
)
SECOND = unhexlify(
    "94ecdded364f3e7e16c63e2e3fa694d9f2e43a259de5230257e3c3e956cda91f334e6e2ed010692c552376de3e805b34"
    "d2d6b3788a30c2b5322872e194e07130444085008dccbe8a9a8f0a8b9373321eb77b232427e2542da87b24d5b8769829"
    "865f7659f20f68971e0ccc3493b6bcc0d1e782d057b4c282d125218e7a719b08e54ad425933e6b732fac5a5eecc74edc"
    "e36109720a9016baa682867ac3d3c144671eb56d4ab9c3bdb469e5e2cd50039f34b99985db005644aa3d5eeafa709498"
    "ef2fb2e8c79e91e9efe18712593784b0302b249398d956ee5b7b6f2f975d2a6948c5f68d7e858c3002eaefc0c742e3c9"
    "7314906e1a092590c99eeb950d7a82d9a6583404909d0aad26e78cb02217317b07917ae22eb274fb76e9334eca44d6e8"
    "1038728adf27207a216a2334ed8e06944bff4973f8830bfe99758156bf4cceeb227db12cda8c8ad3e7907bea07ee8c3c"
    "33b8e91fbb23ba9592622a65bc87eee1bb412966b13c22f6a746b1c6b644bef140cf5e8c55e53b9578dba1adf6d24ac7"
)
BY_FIRST = unhexlify(  # of LIMITS, newline, TEXT
    "56594008abf1877e2cb31fe852b5100b7c21804ac348cf4817997b34621996991274c758b8f727fefaedb340cbab0846"
    "554b78cdebdf2ce52617ffa9515cc3926a6d6aece15b49fcbafedd38e4489cf8ba23324260da4fca04c05946c9bf080e"
    "b916d87b29954c23cdd7a0ff801c60a26a29e58cec2b6d2c7a278c125cf6419ac513cfb57494457bc2e06a1ba303ecd8"
    "b0caf3da0e28f6c3a16388f0484cb3c34317469f7a1357bdab08e5210f413248d02bf01eed68ba4708d2868416d3f030"
    "a9e20f190398bc595819b27fa06272ef336aac1ddee2e97a5aa9f4c6f7fbf6b7a1830fcf32c7bbbb1171990ea879d8c3"
    "27f9f25323074c6da0d17ff345c3c47c65722b8aa5380fb07aa12adaecaac7b1f5ec42eac6333cf81f359ff37dcf1e17"
    "84577bb3276c00d47b1d196dee6d9e6785e99864016016338f555347f906745813f74c2948500247ab8ca0f0ce390930"
    "71679c3be2f48e99e6ad23b55f8e16f2f87c1e8b0788b92933c6a837209333f04ccb6d8981c54a75e1da58b60beeaf82"
)
BY_SECOND = unhexlify(  # of LIMITS, newline, TEXT
    "2a0ca3d2390c885e88c9ca8f585d4f6e604feedc10697aa1ed5f9588322ab28b3de1877c4044b3e3cc17061c34c57f31"
    "bf9f73f8abefc5c04a686c7a195106992662d873a97b576aba283ee82c6b85eaf2c6eab58709fc33da29f10aaccc3f45"
    "5e0e7a509b487661cf3349efbcb1703eaecca4314eb2c748c36b505c6c971674adcf5efeb69a0d7a998a15dbaad66ac0"
    "07d1a439a635ca6b08bd7331494e059e26dc88b5aef9e65c2f6e080a4f9ce8fd64d164892a95c345ff9bd856f08d319b"
    "2a6bc8f2aea6219199a72f535dff0e307d93bc3f53e2311f6c8a5ac4fd56a48b52fc2019fd7dac157305f40fa699d6ea"
    "5a4bf9e8e985243b8e729cf34f5c86bc9e8af18b3e275f8424fa5cf3c85ed2697efd1dd83141fda9a9901c18dd79a470"
    "9bad2668b9d8b3e179ecfbf013246d4f2eb6ecbfef922702fcb71e7fe8acf0e84fed1e696f1fe53352c37b3e6df189c5"
    "6c9560cb77631480e39ac3d917dd2fff0f1dc1c0c56096fec6ea250a5d6a1df5e438d8796b83cc71af348a147080615c"
)
KEYS = [FIRST, SECOND]
DATA = signed.LIMITS + b"\n" + TEXT


def file(signature=BY_FIRST):
    return TEXT + b"\n#signed " + hexlify(signature) + b"\n"


def changed(raw, at):
    """One bit of `raw` turned over."""
    made = bytearray(raw)
    made[at] ^= 1
    return bytes(made)


class Signature(unittest.TestCase):
    def test_either_key_counts(self):
        self.assertTrue(signed.verified(DATA, BY_FIRST, KEYS))
        self.assertTrue(signed.verified(DATA, BY_SECOND, KEYS))
        self.assertFalse(signed.verified(DATA, BY_SECOND, [FIRST]))
        self.assertFalse(signed.verified(DATA, BY_FIRST, []))

    def test_a_bit_of_text_or_signature_decides(self):
        for at in (0, len(DATA) - 1):
            self.assertFalse(signed.verified(changed(DATA, at), BY_FIRST, KEYS))
        for at in (0, 200, 383):
            self.assertFalse(signed.verified(DATA, changed(BY_FIRST, at), KEYS))

    def test_numbers_that_are_no_signature(self):
        for wrong in (b"", bytes(384), b"\xff" * 384, bytes(383) + b"\x01", FIRST, BY_FIRST[:-1], BY_FIRST + b"\0"):
            self.assertFalse(signed.verified(DATA, wrong, KEYS), repr(wrong[:4]))

    def test_a_signature_plus_the_modulus_is_another_one(self):
        number = int.from_bytes(BY_FIRST, "big") + int.from_bytes(FIRST, "big")
        self.assertFalse(signed.verified(DATA, number.to_bytes(384, "big"), KEYS))

    def test_keys_that_are_none(self):
        for wrong in (b"", FIRST[:-1], bytes(384), bytes([0x7F]) + FIRST[1:]):
            self.assertFalse(signed.verified(DATA, BY_FIRST, [wrong]))


class File(unittest.TestCase):
    def test_opened_for_its_purpose_only(self):
        self.assertEqual(signed.opened(file(), signed.LIMITS, KEYS), TEXT)
        self.assertEqual(signed.opened(file(BY_SECOND), signed.LIMITS, KEYS), TEXT)
        self.assertIsNone(signed.opened(file(), b"roadheat update", KEYS))

    def test_what_is_not_signed(self):
        for wrong in (
            b"",
            TEXT,
            file()[:-1],
            file()[:-2] + b"\n",
            file() + b"\n",
            file().replace(b"1}", b"2}"),
            TEXT + b"\n#signed zz\n",
            TEXT + b"\n#signed " + b"zz" * 384 + b"\n",
            TEXT + b"\n#signed \n",
            TEXT + b"\n#signed",
            file() + b"#signed 00\n",
        ):
            self.assertEqual(signed.opened(wrong, signed.LIMITS, KEYS), None, repr(wrong[-9:]))


class Pinned(unittest.TestCase):
    def setUp(self):
        self.tearDown()

    def tearDown(self):
        remove(signed.KEYS, signed.KEYS + seal.OLD, signed.KEYS + ".new")

    def write(self, raw, name=signed.KEYS):
        with open(name, "wb") as f:
            f.write(raw)

    def test_none_one_or_two(self):
        self.assertEqual(signed.pinned(), [])
        for keys in ([FIRST], KEYS):
            self.write(seal.sealed(b"".join(keys)))
            self.assertEqual(signed.pinned(), keys)

    def test_what_cannot_be_used_is_not_taken_for_none(self):
        for raw in (
            FIRST,  # no seal
            seal.sealed(b""),
            seal.sealed(FIRST[:-1]),
            seal.sealed(FIRST * 3),
            seal.sealed(FIRST)[:-1],
        ):
            self.write(raw)
            with self.assertRaises(signed.Damaged):
                signed.pinned()

    def test_the_last_good_copy_serves(self):
        self.write(seal.sealed(FIRST), signed.KEYS + seal.OLD)
        self.write(seal.sealed(SECOND)[:-5])
        self.assertEqual(signed.pinned(), [FIRST])
        os.remove(signed.KEYS)
        self.assertEqual(signed.pinned(), [FIRST])


if __name__ == "__main__":
    unittest.main()
