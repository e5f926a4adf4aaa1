"""Scores of ensemble forecasts: CRPS, bias, spread, rank histogram, reliability of probabilities. Bounded memory."""

from __future__ import annotations

import numpy as np

from supervisor.domain.weather import Array

BINS = 10  # of ranks and of probabilities


def crps(members: Array, observed: Array) -> Array:
    """Continuous ranked probability score (n,) of members (n, K), in their unit; 0 is perfect.

    Fair estimator, Ferro (2014): E|x − y| − ½ E|x − x'| over different members; for K = 1 it is the absolute error.
    """
    k = members.shape[1]
    error: Array = np.abs(members - observed[:, None]).mean(axis=1)
    if k == 1:
        return error
    ordered = np.sort(members, axis=1)
    weights = 2.0 * np.arange(1, k + 1) - k - 1.0  # Σ|xi − xj| over pairs of a sorted sample
    result: Array = error - (ordered * weights).sum(axis=1) / (k * (k - 1))
    return result


def rank_histogram(members: Array, observed: Array) -> Array:
    """How often the observation falls into each tenth of the ensemble (BINS,); sums to n, flat when reliable.

    A rank among K members covers 1/(K+1) of the scale and is shared out over the bins that it overlaps.
    """
    k = members.shape[1]
    below = (members < observed[:, None]).sum(axis=1)
    equal = (members == observed[:, None]).sum(axis=1)
    counts = np.bincount((2 * below + equal + 1) // 2, minlength=k + 1)[: k + 1]
    cumulative = np.concatenate(([0.0], np.cumsum(counts)))
    result: Array = np.diff(np.interp(np.linspace(0.0, 1.0, BINS + 1), np.linspace(0.0, 1.0, k + 2), cumulative))
    return result


class EnsembleScore:
    """Running scores of one variable at one range of leads; old pairs fade when `fade` is called."""

    def __init__(self) -> None:
        self.weight = 0.0
        self._error = self._square = self._variance = self._crps = 0.0
        self.rank_histogram: Array = np.zeros(BINS)

    def add(self, members: Array, observed: Array) -> None:
        """Pairs: members (n, K), observed (n,)."""
        mean = members.mean(axis=1)
        k = members.shape[1]
        self.weight += observed.size
        self._error += float((mean - observed).sum())
        self._square += float(((mean - observed) ** 2).sum())
        if k > 1:  # the mean of K members is itself uncertain by 1/K of the variance
            self._variance += float(members.var(axis=1, ddof=1).sum()) * (1.0 + 1.0 / k)
        self._crps += float(crps(members, observed).sum())
        self.rank_histogram += rank_histogram(members, observed)

    def fade(self, factor: float) -> None:
        """Multiply the weight of all that was added so far."""
        self.weight *= factor
        self._error *= factor
        self._square *= factor
        self._variance *= factor
        self._crps *= factor
        self.rank_histogram *= factor

    @property
    def bias(self) -> float:
        return self._error / self.weight if self.weight else 0.0

    @property
    def rmse(self) -> float:
        """Of the ensemble mean."""
        return float(np.sqrt(self._square / self.weight)) if self.weight else float("nan")

    @property
    def mean_crps(self) -> float:
        return self._crps / self.weight if self.weight else float("nan")

    @property
    def spread_ratio(self) -> float:
        """Spread over error without bias; 1 is right, below 1 the ensemble is too sure."""
        left = self._square / self.weight - self.bias**2 if self.weight else 0.0
        return float(np.sqrt(self._variance / self.weight / left)) if left > 1e-12 else float("nan")


class EventScore:
    """Brier score and reliability of a yes/no event's probability."""

    def __init__(self) -> None:
        self.count: Array = np.zeros(BINS)
        self._probability: Array = np.zeros(BINS)
        self._happened: Array = np.zeros(BINS)
        self._brier = 0.0

    def add(self, probability: Array, happened: Array) -> None:
        """Pairs, each (n,): probability [0–1], happened 0 or 1."""
        place = np.minimum((probability * BINS).astype(int), BINS - 1)
        self.count += np.bincount(place, minlength=BINS)
        self._probability += np.bincount(place, weights=probability, minlength=BINS)
        self._happened += np.bincount(place, weights=happened, minlength=BINS)
        self._brier += float(((probability - happened) ** 2).sum())

    def fade(self, factor: float) -> None:
        self.count *= factor
        self._probability *= factor
        self._happened *= factor
        self._brier *= factor

    @property
    def brier(self) -> float:
        total = self.count.sum()
        return self._brier / float(total) if total else float("nan")

    def table(self) -> list[tuple[float, float, float]]:
        """Per used bin: mean probability said, frequency seen, weight."""
        return [
            (float(p / n), float(h / n), float(n))
            for p, h, n in zip(self._probability, self._happened, self.count, strict=True)
            if n > 0
        ]

    @property
    def reliability(self) -> float:
        """Mean squared distance of said from seen (the reliability term of Murphy's decomposition); 0 is perfect."""
        total = float(self.count.sum())
        return sum(n * (p - h) ** 2 for p, h, n in self.table()) / total if total else float("nan")
