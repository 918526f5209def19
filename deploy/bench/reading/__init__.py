"""What a reader waits for: questions over HTTP, on a week of made-up data, beside their goals
(performance.md, "Reading")."""
