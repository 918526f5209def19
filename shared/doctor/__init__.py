"""`sluice doctor`: what is wrong with what Sluice stands on, a line a finding."""
