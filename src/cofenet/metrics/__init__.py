"""How close two pictures are, inside the field of view. Pure numpy."""
