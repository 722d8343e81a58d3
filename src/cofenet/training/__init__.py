"""Learn the networks: recipes, photographs, losses, the loop, and the export of what was learned."""
