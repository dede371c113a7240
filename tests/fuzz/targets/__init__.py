"""What is damaged, one file for each kind of input."""
