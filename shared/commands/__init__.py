"""`sluice project`, `sluice key` and `sluice group`, for operators."""
