"""Prints of Perl."""

from tests.unit.shared.fingerprint.languages.examples import seen


def test_carp_prints_the_place_of_each_call() -> None:
    stack = (
        "part dp_88 is not in store at /srv/lib/Store.pm line 10.\n"
        '\tDepot::Store::find(Depot::Store=HASH(0x55), "dp_88") called at /srv/bin/run.pl line 18\n'
        '\tmain::dispatch(Depot::Store=HASH(0x55), "dp_88") called at /srv/bin/run.pl line 28\n'
        "\teval {...} called at /srv/bin/run.pl line 39\n"
    )
    said = "part dp_88 is not in store at /srv/lib/Store.pm line 10."
    assert seen(stack, said) == "perl | Error | find@Store.pm dispatch@run.pl | part * is not in store at * line *"


def test_a_method_on_nothing() -> None:
    stack = 'Can\'t call method "name" on an undefined value at /srv/lib/Store.pm line 12.\n'
    assert seen(stack) == "perl | Error | ?@Store.pm | null name"
