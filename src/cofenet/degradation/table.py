"""Every factor there is: a new one is a file of its own and a line here.

Parameters, presets, the tests' sweeps and the check of docs/degradation.md are made from this table.
"""

from __future__ import annotations

from cofenet.degradation.cast import CastRanges
from cofenet.degradation.crescent import CrescentRanges
from cofenet.degradation.defocus import DefocusRanges
from cofenet.degradation.dust import DustRanges
from cofenet.degradation.exposure import ExposureRanges
from cofenet.degradation.flare import FlareRanges
from cofenet.degradation.haze import HazeRanges
from cofenet.degradation.jpeg import JpegRanges
from cofenet.degradation.lashes import LashesRanges
from cofenet.degradation.motion import MotionRanges
from cofenet.degradation.noise import NoiseRanges
from cofenet.degradation.ranges import Ranges
from cofenet.degradation.released import BlurRanges, ColorRanges, HaloRanges, HoleRanges, SpotRanges
from cofenet.degradation.shadow import ShadowRanges
from cofenet.degradation.vignetting import VignettingRanges

_FAMILY: tuple[type[Ranges], ...] = (
    ColorRanges,
    HaloRanges,
    HoleRanges,
    SpotRanges,
    BlurRanges,
    HazeRanges,
    ShadowRanges,
    VignettingRanges,
    ExposureRanges,
    CastRanges,
    CrescentRanges,
    FlareRanges,
    LashesRanges,
    DustRanges,
    DefocusRanges,
    MotionRanges,
    NoiseRanges,
    JpegRanges,
)

FACTORS: dict[str, type[Ranges]] = {ranges.factor.model_fields["factor"].default: ranges for ranges in _FAMILY}
"""From a factor's name in JSON and TOML to its ranges, whose `factor` is its class."""
