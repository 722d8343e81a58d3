"""How fundus photographs become low quality: parameters, their sampling, and the forward model that applies them."""

from cofenet.degradation.parameters import Parameters
from cofenet.degradation.sampling import KINDS, sample
from cofenet.degradation.simulate import simulate

__all__ = ["KINDS", "Parameters", "sample", "simulate"]
