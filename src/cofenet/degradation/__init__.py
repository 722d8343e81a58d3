"""How fundus photographs become low quality: parameters, their sampling, and the forward model that applies them."""

from cofenet.degradation.maps import Maps, degradation_maps
from cofenet.degradation.parameters import Parameters
from cofenet.degradation.sampling import KINDS, sample
from cofenet.degradation.simulate import simulate
from cofenet.degradation.stored import load_parameters

__all__ = ["KINDS", "Maps", "Parameters", "degradation_maps", "load_parameters", "sample", "simulate"]
