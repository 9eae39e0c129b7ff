"""The mutants of a module: cosmic-ray's operators, one change of one place each."""

import itertools
from dataclasses import dataclass

import parso
from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast, is_number
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator


@dataclass(frozen=True)
class Mutant:
    """A module with one change: the number of the line, the line before and after, the module."""

    number: int
    line: str
    mutant: str
    source: str

    @property
    def change(self):
        return f"{self.line}  ->  {self.mutant}"


class OtherNumber(Operator):
    """Replaces an integer by the next, and another number by one that is a fifth less.

    cosmic-ray's own operator adds and takes 1, which is too coarse for most numbers here.
    """

    def mutation_positions(self, node):
        if is_number(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        value = float(node.value) if "." in node.value or "e-" in node.value else None
        if value is None:
            text = f"({node.value}+1)" if node.value.endswith("j") else str(int(node.value) + 1)
        else:
            text = repr(round(value * 0.8, 15) or 0.1)
        return parso.python.tree.Number(text, node.start_pos, node.prefix)

    @classmethod
    def examples(cls):
        return ()


def mutants(source, operators):
    """Yields the mutants of a module by line; two operators may come to the same change.

    Args:
        source: text of the module.
        operators: names of cosmic-ray's operators without "core/".
    """
    tree, places = get_ast(source), []
    for operator in [OtherNumber(), *(plugins.get_operator(f"core/{o}")() for o in operators)]:
        found = (operator.mutation_positions(node) for node in ast_nodes(tree))
        for index, (start, _) in enumerate(itertools.chain.from_iterable(found)):
            places.append((start, len(places), operator, index))
    seen = {source}
    for (_, _), _, operator, index in sorted(places, key=lambda place: place[:2]):
        mutated = mutate_code(source, operator, index)
        if mutated not in seen and _compiles(mutated):
            seen.add(mutated)
            yield _compared(source, mutated)


def _compiles(source):
    """Whether a mutant is Python: cosmic-ray takes the ** before a dictionary for an operator."""
    try:
        compile(source, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def _compared(source, mutated):
    pairs = zip(source.splitlines(), mutated.splitlines(), strict=False)
    number, (line, mutant) = next((n, p) for n, p in enumerate(pairs, 1) if p[0] != p[1])
    return Mutant(number, line.strip(), mutant.strip(), mutated)
