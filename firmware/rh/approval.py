"""Who has signed a program. Used by `rh.verdict`, which drops it before it looks into the list (`rh.verify`): each of
the two takes some kilobytes, and beside the link there are not enough for both.
"""

from . import signed
from .verdict import Refused

PURPOSE = b"roadheat program\n"


def signature(identity: str, said: bytes) -> None:
    """Raises Refused unless one of this board's keys has signed the list of that hash."""
    try:
        known = signed.pinned()
    except signed.Damaged:
        raise Refused("its signing keys are damaged: configure it")
    if not known:
        raise Refused("this board has no signing keys: provision and configure it")
    if not signed.verified(PURPOSE + identity.encode(), said, known):
        raise Refused("not signed by a key of this board")
