"""Pictures by the million: one row of a table a picture, in many processes, on one machine or on many."""
