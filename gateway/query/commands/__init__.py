"""Questions in a terminal: `sluice logs`, `sluice errors`, `sluice error` (reading.md, "In a terminal")."""
