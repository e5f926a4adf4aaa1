"""As much of `unittest` as the board's tests use, for the MicroPython VM, which has none."""


class SkipTest(Exception):
    pass


class _Raises:
    def __init__(self, expected):
        self._expected = expected
        self.exception = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        assert kind is not None, "{} not raised".format(self._expected)
        self.exception = value
        return issubclass(kind, self._expected)


class TestCase:
    def setUp(self):
        pass

    def tearDown(self):
        pass

    def assertEqual(self, a, b, message=""):
        assert a == b, "{!r} != {!r} {}".format(a, b, message)

    def assertTrue(self, a, message=""):
        assert a, "{!r} is not true {}".format(a, message)

    def assertFalse(self, a, message=""):
        assert not a, "{!r} is not false {}".format(a, message)

    def assertIsNone(self, a):
        assert a is None, "{!r} is not None".format(a)

    def assertIn(self, a, b):
        assert a in b, "{!r} not in {!r}".format(a, b)

    def assertLessEqual(self, a, b, message=""):
        assert a <= b, "{!r} > {!r} {}".format(a, b, message)

    def assertGreaterEqual(self, a, b, message=""):
        assert a >= b, "{!r} < {!r} {}".format(a, b, message)

    def assertRaises(self, expected):
        return _Raises(expected)


def run(module) -> int:
    """Run all tests of a module; prints failures, returns their number."""
    import sys

    failed = count = 0
    for name in dir(module):
        case = getattr(module, name)
        if not (isinstance(case, type) and issubclass(case, TestCase)):
            continue
        for test in dir(case):
            if not test.startswith("test"):
                continue
            count += 1
            one = case()
            try:
                one.setUp()
                try:
                    getattr(one, test)()
                finally:
                    one.tearDown()
            except Exception as e:
                failed += 1
                print("FAIL {}.{}".format(name, test))
                sys.print_exception(e)
    print("{}: {} tests, {} failed".format(module.__name__, count, failed))
    return failed if count else 1
