"""Whether the laws of the simulation see mistakes: deliberate ones, each to be caught."""
