"""What attributes hold, key by key (reading.md, "Keys of attributes")."""

from gateway.query.logs.key_tally import EXAMPLES, MAX_EXAMPLE, MOST_KEYS, KeyTally, found_in


def tally(*texts: str) -> KeyTally:
    made = KeyTally()
    made.add(texts)
    return made


def test_keys_are_those_that_a_filter_can_name() -> None:
    assert found_in('{"a":{"b":1,"c.d":2},"a.b":3,"e":null,"f":[1],"":4}') == {
        "a": {"b": 1, "c.d": 2},
        "a.b": 3,
        "f": [1],
    }
    assert found_in('{"a.b":null,"a":{"b":1}}') == {"a": {"b": 1}}
    assert found_in('{"x.y":{"z":1}}') == {"x.y": {"z": 1}}


def test_of_equal_keys_the_last_counts() -> None:
    assert found_in('{"a":1,"a":{"b":2},"a":{"c":3}}') == {"a": {"c": 3}, "a.c": 3}


def test_odd_json_is_read_as_filters_read_it() -> None:
    assert found_in('{"a":1e400,"b":"x\\ud800","c":2.5}') == {"a": "1e400", "b": "x", "c": 2.5}
    assert found_in(f'{{"a":{"1" * 5000}}}') == {"a": "1" * 5000}
    assert found_in("[1]") == found_in("nothing") == found_in("[" * 100_000) == {}


def test_types_and_distinct_values_are_counted() -> None:
    keys = tally('{"a":1}', '{"a":1.0}', '{"a":true}', '{"a":"1"}', '{"a":"x"}', '{"a":[]}', '{"a":{}}').keys
    assert keys["a"].types == {"number": 2, "boolean": 1, "string": 2, "array": 1, "object": 1}
    assert keys["a"].distinct == 4
    assert keys["a"].examples == ["1", "true", "1", "x"]


def test_examples_are_few_and_short() -> None:
    key = tally(*(f'{{"a":"{n}{"x" * 200}"}}' for n in range(9))).keys["a"]
    assert (key.distinct, len(key.examples)) == (9, EXAMPLES)
    assert {len(example) for example in key.examples} == {MAX_EXAMPLE}


def test_keys_beyond_the_most_are_left_out_and_said_to_be() -> None:
    made = tally(*(f'{{"a":1,"k{n}":1}}' for n in range(MOST_KEYS)))
    assert (len(made.keys), made.left_out) == (MOST_KEYS, True)
    assert made.keys["a"].types.total() == MOST_KEYS
    assert found_in(f'{{"{"k" * 257}":1}}') == {}


def test_deep_keys_are_left_out() -> None:
    assert len(found_in('{"a":' * 50 + "1" + "}" * 50)) == 10
