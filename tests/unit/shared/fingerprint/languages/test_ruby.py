"""Prints of Ruby."""

from shared.fingerprint import v2
from tests.unit.shared.fingerprint.languages.examples import seen

ONE = "ruby | NoMethodError | total@cart.rb show@carts_controller.rb | method price"


def test_ruby_3_1() -> None:
    stack = """
        /srv/r1/app/models/cart.rb:12:in `block in total': undefined method `price' for nil:NilClass (NoMethodError)

            line.price
                ^^^^^^
        \tfrom /srv/r1/app/models/cart.rb:12:in `map'
        \tfrom /srv/r1/app/models/cart.rb:12:in `total'
        \tfrom /srv/r1/app/controllers/carts_controller.rb:8:in `show'
        \tfrom /usr/lib/ruby/gems/3.1.0/gems/actionpack-7.0.1/lib/metal.rb:208:in `dispatch'
    """
    assert seen(stack) == ONE


def test_ruby_3_4() -> None:
    stack = """
        app/models/cart.rb:14:in 'block in Shop::Cart#total': undefined method 'price' for nil (NoMethodError)
        \tfrom app/models/cart.rb:14:in 'Array#map'
        \tfrom app/models/cart.rb:14:in 'Shop::Cart#total'
        \tfrom app/controllers/carts_controller.rb:9:in 'CartsController#show'
    """
    assert seen(stack) == ONE


def test_a_backtrace_alone_and_the_log_of_rails() -> None:
    backtrace = """
        app/models/cart.rb:12:in `total'
        app/controllers/carts_controller.rb:8:in `block in show'
    """
    said = "undefined method `price' for nil:NilClass"
    assert seen(backtrace, f"NoMethodError: {said}") == ONE
    assert seen(f"NoMethodError ({said}):\n\n" + backtrace.replace("        ", "")) == ONE


def test_a_cause_and_colours() -> None:
    stack = """
        app/desk.rb:44:in `rescue in lend': \x1b[1mcould not lend bk_1 (\x1b[1;4mNotLent\x1b[m\x1b[1m)\x1b[m
        \tfrom app/desk.rb:40:in `lend'
        app/desk.rb:30:in `read': No such file or directory (Errno::ENOENT)
        \tfrom app/desk.rb:41:in `lend'
    """
    assert seen(stack).startswith("ruby | NotLent | lend@desk.rb | could not")
    assert [each.type for each in v2.read("", stack).thrown] == ["NotLent", "ENOENT"]
