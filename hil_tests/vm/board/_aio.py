"""asyncio on the virtual clock: an idle loop moves time forward instead of waiting for it."""

import select

import asyncio.core as _core
import time as _t

_READ, _WRITE = 0, 1
_HITS_FREE = 256  # streams served in one grant without time passing: more than any honest session needs …
_HITS_PER_MS = 16  # … and then so many a ms, or a peer that never stops sending would stop the clock
_zeros = 0
_hits = 0


def _poll(queue):
    """Wake the tasks whose stream is ready; True if there were any."""
    hit = False
    for s, ev in queue.poller.ipoll(0):
        sm = queue.map[id(s)]
        er = ev & ~(select.POLLIN | select.POLLOUT)
        if ev & ~select.POLLOUT and sm[_READ] is not None:
            _core._task_queue.push(sm[_READ])
            sm[_READ] = None
            hit = True
        if ev & ~select.POLLIN and sm[_WRITE] is not None:
            _core._task_queue.push(sm[_WRITE])
            sm[_WRITE] = None
            hit = True
        if sm[_READ] is None and sm[_WRITE] is None:
            queue._dequeue(s)
        elif sm[_READ] is None:
            queue.poller.modify(s, select.POLLOUT | er)
        else:
            queue.poller.modify(s, select.POLLIN | er)
    return hit


def _wait_io_event(queue, dt):
    """In place of `IOQueue.wait_io_event`. Sockets are heeded right after a grant and while they have something:
    what comes in the middle of a stretch waits for the next, so that a run does not depend on real delays."""
    global _zeros, _hits
    if dt == 0:
        _zeros += 1
        if _zeros & 1023 == 0:  # somebody spins: as on the chip, time passes and streams are served
            _t._pass(1)
            _t._fresh = True
        return
    if _t._fresh:
        if queue.map and _t._grant[1] & _t._LINK and _poll(queue):
            _t._heard = True
            _hits += 1
            if _hits > _HITS_FREE and _hits % _HITS_PER_MS == 0:
                _t._pass(1)
                _t._fresh = True
            return
        _t._fresh = False
    _hits = 0
    if 0 < dt <= _t._end - _t._now:
        _t._move(_t._now + dt)
    else:
        _t._move(_t._end)
        _t._next_grant()


_core.IOQueue.wait_io_event = _wait_io_event
