"""Networks, one a file. Torch is needed here and in `cofenet.training` alone."""
