"""Send what a program on a camera sees to roadheat: `classify | python camera.py z03`.

Reads one JSON object a line from standard input, {"snow_or_ice": 0.86, "wet": 0.12, "dry": 0.02, "obstructed": false},
and sends each with the time at which it was read. Needs no more than Python. The token (scope observe) is in
ROADHEAT_TOKEN, the address of the service in ROADHEAT_URL. What was refused is said, and left out; what could not be
sent is tried again for ten minutes: older pictures say nothing of now.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

CLASSES = ("snow_or_ice", "wet", "dry")
KEEP_S = 600


def send(zone: str, seen: dict[str, object], at: float) -> bool:
    """Whether it is done: taken, or refused for good."""
    body = {"zone": zone, "observed_utc_s": int(at), "obstructed": bool(seen.get("obstructed", False))}
    body |= {name: seen[name] for name in CLASSES}
    request = urllib.request.Request(
        os.environ["ROADHEAT_URL"].rstrip("/") + "/api/v1/observations",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {os.environ['ROADHEAT_TOKEN']}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            print(zone, json.load(answer), flush=True)
    except urllib.error.HTTPError as error:
        print(f"{zone}: {error.code} {error.read(500).decode('utf-8', 'replace')}", file=sys.stderr)
        return error.code < 500 and error.code != 429
    except OSError as error:
        print(f"{zone}: {error}", file=sys.stderr)
        return False
    return True


def main(zone: str) -> None:
    """Until standard input ends."""
    for line in sys.stdin:
        at, pause_s = time.time(), 1.0
        try:
            seen = json.loads(line)
            if not isinstance(seen, dict) or any(name not in seen for name in CLASSES):
                raise ValueError("not the three classes")
        except ValueError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        while not send(zone, seen, at) and time.time() - at < KEEP_S:
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 60.0)


if __name__ == "__main__":
    main(sys.argv[1])
