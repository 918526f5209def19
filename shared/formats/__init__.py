"""The wire formats. Each file here that defines `FORMAT` is one; `shared.registry` finds them."""
