"""`machine.SPI` of the ESP32, on what is wired to its pins: a bus floats high where nobody drives it."""

chips = {}  # chip-select pin -> what answers while it is low
pins = None  # sck, mosi and miso that these are wired to
_FLOATING = 0xFF


def select(pin, level):
    """A chip-select pin has changed."""
    chips[pin].select(level == 0)


class SPI:
    MSB, LSB = 0, 1

    def __init__(self, id, baudrate=500_000, *, polarity=0, phase=0, sck=None, mosi=None, miso=None, **kwargs):
        if id not in (1, 2):
            raise ValueError("SPI(%d) doesn't exist" % id)
        self._wired = tuple(getattr(pin, "_id", pin) for pin in (sck, mosi, miso)) == pins
        self._mode = (polarity, phase)

    def init(self, *args, **kwargs):
        pass

    deinit = init

    def _byte(self, out):
        said = _FLOATING
        if self._wired:
            for chip in chips.values():
                if chip.selected:
                    said &= chip.exchange(out, self._mode)
        return said

    def write(self, data):
        for out in data:
            self._byte(out)

    def readinto(self, buf, write=0):
        for i in range(len(buf)):
            buf[i] = self._byte(write)

    def read(self, n, write=0):
        buf = bytearray(n)
        self.readinto(buf, write)
        return bytes(buf)

    def write_readinto(self, write_buf, read_buf):
        for i in range(len(read_buf)):
            read_buf[i] = self._byte(write_buf[i])
