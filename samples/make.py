"""Make the low-quality samples from the good ones: degrade each by the parameters stored beside the result.

    python samples/make.py            apply the stored parameters again
    python samples/make.py --draw     draw new parameters first

Where the good photographs come from, and their terms: samples/README.md.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from cofenet.degradation import Parameters, sample, simulate
from cofenet.io import read_photograph, write_photograph

HERE = Path(__file__).parent


def main() -> None:
    """Write samples/low-quality/*.jpg, and with --draw their parameters."""
    for seed, path in enumerate(sorted((HERE / "good").glob("*.jpg"))):
        stored = HERE / "low-quality" / f"{path.name}.json"
        if "--draw" in sys.argv:
            stored.write_text(sample(np.random.default_rng(seed), "111").to_json() + "\n", "utf-8")
        photograph = read_photograph(path)
        degraded = simulate(photograph.pixels, Parameters.from_json(stored.read_text("utf-8")))
        write_photograph(stored.with_suffix(""), replace(photograph, pixels=degraded))


if __name__ == "__main__":
    main()
