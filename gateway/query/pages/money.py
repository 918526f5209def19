"""Money as pages write it: US dollars."""


def money(dollars: float) -> str:
    """`$0`, `$0.0027`, `$3.40`, `$2,118`: two digits that matter at least, cents up to a thousand."""
    if dollars == 0:
        return "$0"
    size = abs(dollars)
    if size >= 1e12:
        return f"${dollars:.3g}"
    if size >= 1_000:
        return f"${dollars:,.0f}"
    if size >= 0.1:
        return f"${dollars:,.2f}"
    digits = next((digits for digits in range(2, 12) if round(size, digits) >= 10 ** (1 - digits)), 12)
    return f"${dollars:.{digits}f}"


def drawn(dollars: float) -> float:
    """A cost as a chart can show it: senders may write any number, below nothing and beyond all bounds."""
    return max(0.0, min(dollars, 1e12)) if dollars == dollars else 0.0
