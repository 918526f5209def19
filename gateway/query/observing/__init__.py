"""What the queue knows of the records' way to their tables, observed from outside and shared by all who ask."""
