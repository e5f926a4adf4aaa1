"""The part of `esp32` that firmware uses: NVS, kept by the host over power cuts, and small facts of the chip."""

import json

_file = None  # opened by the kernel: JSON, {namespace: {key: value}}
_data = {}


def _open(path):
    global _file, _data
    _file = open(path, "r+")
    text = _file.read()
    _data = json.loads(text) if text else {}


class NVS:
    def __init__(self, namespace):
        self._d = _data.setdefault(namespace, {})

    def set_i32(self, key, value):
        self._d[key] = int(value)

    def get_i32(self, key):
        if not isinstance(self._d.get(key), int):
            raise OSError(-4354)  # ESP_ERR_NVS_NOT_FOUND
        return self._d[key]

    def set_blob(self, key, value):
        self._d[key] = "".join("%02x" % b for b in bytes(value))

    def get_blob(self, key, buffer):
        if not isinstance(self._d.get(key), str):
            raise OSError(-4354)
        import binascii

        value = binascii.unhexlify(self._d[key])
        buffer[: len(value)] = value
        return len(value)

    def erase_key(self, key):
        if key not in self._d:
            raise OSError(-4354)
        del self._d[key]

    def commit(self):
        _file.seek(0)
        _file.write("%-4096s" % json.dumps(_data))  # blanks hide what was longer before
        _file.flush()


def raw_temperature():
    return 53


def mcu_temperature():
    return 35
