"""A week of made-up rows of 20 projects, made by ClickHouse itself: the same at each run, but for the time."""
