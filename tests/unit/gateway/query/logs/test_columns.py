"""Rows of the logs table as JSON objects (contracts.md, "Reading logs")."""

import pytest

from gateway.query.logs.columns import render

NINES = "9" * 310


@pytest.mark.parametrize(
    ("stored", "answered"),
    [
        ('{"http.status_code": 5e-1, "b":[1E+5,"e999"]}', '{"http.status_code": 5e-1, "b":[1E+5,"e999"]}'),
        ('{"a":1e400,"b":[-1E0999 ],"c":"1e400"}', '{"a":null,"b":[null ],"c":"1e400"}'),
        ('{"\\"1e400":"\\\\","a":"\\"","b":1e999}', '{"\\"1e400":"\\\\","a":"\\"","b":null}'),
        (f'{{"a":{NINES},"b":-{NINES}.5}}', '{"a":null,"b":null}'),
        (f'{{"a":{NINES[:308]}}}', f'{{"a":{NINES[:308]}}}'),
    ],
)
def test_stored_json_is_answered_as_it_is_but_for_numbers_that_no_double_holds(stored: str, answered: str) -> None:
    for name in ("attributes", "user", "extra"):
        for given in (stored, stored.encode()):
            assert list(render([name], [[given]])) == [f'{{"{name}":{answered}}}'.encode()]
