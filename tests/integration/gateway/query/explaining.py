"""A reader that shows which indexes its queries go through."""

from gateway.query import Reader


class Explaining(Reader):
    """Keeps the plan of every query."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.plans: list[str] = []

    async def read(self, make, sql, parameters, **more):  # type: ignore[no-untyped-def]
        lines = await super().read(list, f"EXPLAIN indexes = 1, actions = 1 {sql}", parameters, **more)
        self.plans.append("\n".join(line.strip("│├└─ ") for (line,) in lines))
        return await super().read(make, sql, parameters, **more)
