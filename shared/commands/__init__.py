"""`sluice project` and `sluice key`: for operators, beside a running Sluice or from anywhere that reaches Postgres."""
