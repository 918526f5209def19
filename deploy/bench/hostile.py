"""Texts that are made to keep a fingerprint busy: a piece of each, to be repeated."""

SIZE = 256 * 1024

PIECES = {
    "one letter": "a",
    "empty lines": "\n",
    "frames": "    at f (x:1:2)\n",
    "open parentheses": "    at ((((((((((((((((((((((\n",
    "dots": "    at " + "a." * 500 + "(\n",
    "generics": "   at " + "a.<b>[" * 120 + "(x) in y\n",
    "at signs": "@" * 1000 + "\n",
    "places": ":1" * 500 + "\n",
    "python files": '  File "' + "a" * 400 + '\n',
    "python frames": '  File "a", line 1, in f\n',
    "colons": "a: " * 300 + "\n",
    "dollars": "a$" * 500 + "\n",
    "names with dollars": "D8$$",
    "no functions": "a" * 700 + " is not a function\n",
    "monolog places": "[object] (A(code: 0): " * 23 + " at x" * 100 + "\n",
    "places without a line": " at x" * 150 + ":a:1\n",
    "dotnet paths": "   at " + "a." * 300 + "$(x)\n",
    "go frames": "f(" * 500 + "\n\t/a.go:1\n",
    "panics": "thread 'a' panicked at " + "x:1:" * 200 + "\n",
    "ruby frames": "a:1:in `f': x\n",
    "php frames": "#0 a(1): f()\n",
    "php next": "Next A: \n#0 a(1): f()\n",
    "monolog": "[object] (A(code: 0): " * 40 + "\n",
    "elixir headers": "** (" * 250 + "\n",
    "perl places": " at x line 1" * 80 + "\n",
    "perl frames": "\tf(" * 200 + " called at x line 1\n",
    "colours": "\x1b[" + "0;" * 30,
    "java causes": "Caused by: a.B: x\n\tat a.b(C.java:1)\n",
    "node causes": "  [cause]: Error: x\n    at f (x:1:2)\n",
    "groups": "  + Exception Group Traceback\n  +-+---------------- 1 ----------------\n    | A: 1\n",
    "dotnet inner": " ---> A.B: x\n   at A.B() in x:line 1\n",
    "rust frames": "   0: <a as b>::c\n at x:1:1\n",
    "quotes": "'",
    "digits": "1",
    "mails": "a@b.",
    "hexes": "deadbeef ",
    "folders": "/a",
    "brackets": "[{<",
    "headers": "Uncaught " * 100 + "\n",
    "names": "A.b.c.d.e.f.g.h.i.j.k.l.m.n: x\n",
    "returns": "\r",
    "words": "Word ",
}  # fmt: skip
AROUND = {
    "alone": "{}",
    "python": 'Traceback\n{}\n  File "a", line 1, in f\nKeyError: 1',
    "javascript": "{}\n    at f (x:1:2)",
    "php": "#0 a(1): f()\n{}",
    "rust": "panicked at stack backtrace:{}",
    "go": "a.go:1\n{}",
    "elixir": "** (A) a\n{}",
}
"""What makes a reader of a language believe that the text is its own; `{}` stands for the text."""


def text(piece: str, size: int = SIZE) -> str:
    """So many characters of a piece."""
    return (piece * (size // len(piece) + 1))[:size]
