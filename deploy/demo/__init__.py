"""`sluice demo`: an hour of a made-up shop's traffic, in the formats that clients speak (operating.md, "The demo")."""
