"""The signals. Each file here that defines `SIGNAL` is one; `shared.registry` finds them."""
