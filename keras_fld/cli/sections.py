"""Commands whose --help groups the options under headings."""

import click


class SectionedCommand(click.Command):
    """A command whose help groups its options.

    Args:
        sections: heading to the options under it, as in "--dataset --root". Options that no
            heading has, such as --help, follow under "Other options".
        *arguments, **options: as of `click.Command`.

    Raises:
        ValueError: a heading has an unknown option, or two headings have the same one.

    Examples:
        >>> command = click.command(cls=SectionedCommand, sections={"Data": "--root"})
    """

    def __init__(self, *arguments, sections, **options):
        super().__init__(*arguments, **options)
        self.sections = {heading: words.split() for heading, words in sections.items()}
        known = {name for option in self.params for name in option.opts}
        named = [name for names in self.sections.values() for name in names]
        wrong = [name for name in named if name not in known or named.count(name) > 1]
        if wrong:
            raise ValueError(f"sections must name each option once. Got: {', '.join(wrong)}")

    def format_options(self, ctx, formatter):
        """Writes the options, one list for each heading."""
        rest = [option for option in self.get_params(ctx) if isinstance(option, click.Option)]
        by_name = {name: option for option in rest for name in option.opts}
        for heading, names in self.sections.items():
            chosen = [by_name[name] for name in names]
            rest = [option for option in rest if option not in chosen]
            _write(formatter, heading, chosen, ctx)
        _write(formatter, "Other options", rest, ctx)


def _write(formatter, heading, options, ctx):
    if options:
        with formatter.section(heading):
            formatter.write_dl([option.get_help_record(ctx) for option in options])
