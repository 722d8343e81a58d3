"""How close two pictures are, inside the field of view, and how sure a mean of such figures is."""
