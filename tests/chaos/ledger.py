"""What was written, as the one client knows it that writes each name, and what may be read after it."""
import collections
import hashlib


class Ledger:
    """Every write of one client after the other. A value is the SHA-256 of the bytes; None: no file."""

    def __init__(self):
        self.attempts = {}  # name -> [(value, outcome)]
        self.counts = collections.Counter()

    def note(self, name, body, outcome):
        """One write is over: `acknowledged`, `refused` or `unknown`. `body` None: it was a removal."""
        value = None if body is None else hashlib.sha256(body).hexdigest()
        self.attempts.setdefault(name, []).append((value, outcome))
        self.counts[outcome] += 1

    def allowed(self, name):
        """What the name may be in the end: the last acknowledged write, or an unknown one since."""
        states = {None}
        for value, outcome in self.attempts.get(name, ()):
            if outcome == "acknowledged":
                states = {value}
            elif outcome == "unknown":
                states.add(value)
        return states

    def passing(self, name):
        """What a node may still show that has not heard of everything yet."""
        return {None} | {value for value, outcome in self.attempts.get(name, ()) if outcome != "refused"}

    def settle(self, name, value):
        """All nodes agreed on this one of the allowed: no other may come back."""
        self.attempts[name].append((value, "acknowledged"))

    def names(self):
        return sorted(self.attempts)
