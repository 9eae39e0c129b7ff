"""The losses in 60-digit arithmetic, as the paper writes them, one face at a time."""

import mpmath
import numpy as np

# At the paper's settings where it has any.
OPTIONS = {
    "l1": {},
    "l2": {},
    "smooth_l1": {"beta": 1.5},
    "nme": {},
    "wing": {"omega": 5.0, "epsilon": 2.0},
    "le": {"alpha": 4.0},
    "enme": {"alpha": 2.0},
}
ELEMENTWISE = ("l1", "smooth_l1", "wing", "le")
POINTS = ("l2", "nme", "enme")


def _eq9(p, alpha):
    return (alpha + 1) * abs(p) - alpha * mpmath.log((mpmath.exp(abs(p)) + mpmath.exp(-abs(p))) / 2)


def _eq8(p, omega, epsilon):
    if abs(p) < omega:
        return omega * mpmath.log(1 + abs(p) / epsilon)
    return abs(p) - (omega - omega * mpmath.log(1 + mpmath.mpf(omega) / epsilon))


def _huber(p, beta):
    return p * p / (2 * mpmath.mpf(beta)) if abs(p) < beta else abs(p) - mpmath.mpf(beta) / 2


def _eq5(face):
    return sum(mpmath.sqrt(dx * dx + dy * dy) for dx, dy in face) / len(face)


def _coordinates(function, face, **options):
    terms = [function(p, **options) for p in face.ravel()]
    return sum(terms) / len(terms)


FACES = {
    "l1": lambda face: _coordinates(abs, face),
    "l2": lambda face: mpmath.sqrt(sum(p * p for p in face.ravel())) / len(face),
    "smooth_l1": lambda face, **o: _coordinates(_huber, face, **o),
    "nme": _eq5,
    "wing": lambda face, **o: _coordinates(_eq8, face, **o),
    "le": lambda face, **o: _coordinates(_eq9, face, **o),
    "enme": lambda face, alpha: _eq9(_eq5(face), alpha),
}


def _exact(delta):
    return np.vectorize(mpmath.mpf, otypes=[object])(np.asarray(delta, np.float64))


def value(name, delta):
    """Loss of a face without missing landmarks: deviations, (landmarks, 2), to a float."""
    with mpmath.workdps(60):
        return float(FACES[name](_exact(delta), **OPTIONS[name]))


def gradient(name, delta):
    """Its derivatives by differences in 60 digits: an array of delta's shape."""
    result = np.empty(np.shape(delta))
    with mpmath.workdps(60):
        face = _exact(delta)

        def moved(place, t):
            other = face.copy()
            other[place] = t
            return FACES[name](other, **OPTIONS[name])

        for place in np.ndindex(result.shape):
            result[place] = mpmath.diff(lambda t, at=place: moved(at, t), face[place])
    return result
