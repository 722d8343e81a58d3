"""Find the field of view: the circle through which the camera saw the retina, and how much of it the picture shows.

The visible retina is a disc, perhaps cut straight at some sides (by the camera's aperture or by the picture's frame):
always a convex region, described by one `Circle` and a few lines, and drawn from them at the photograph's own size.

1. Reduce the picture, take the border's colour from its corners; the *field* is each pixel's distance from that colour.
2. Threshold the field at a ladder of levels; put a circle through the outline of the largest region at each (random
   triples, most inliers); keep the circle that most edges of the field agree with.
3. Move that circle, and the straight cuts found in the outline, onto the steps of the field along their normals.
4. Refuse what does not look like a retina behind a round aperture.

The constants without another source were chosen on EyePACS, HRF, CHASE_DB1, STARE and HEI-MED photographs.
"""

from cofenet.fov.find import FieldOfView, find_fov

__all__ = ["FieldOfView", "find_fov"]
