"""Papers for customers as pages that print well, Japanese and English: each a whole file without a script (pure)."""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from office.use_cases.addressing import addressed

TEMPLATES = Environment(
    loader=PackageLoader("office"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
TEMPLATES.globals["addressed"] = addressed


def page(template: str, **values: object) -> str:
    """The paper; nothing in `values` becomes markup."""
    return TEMPLATES.get_template(template).render(style=style(), **values)


@cache
def style() -> str:
    """The stylesheet in each paper, which stays whole when it is saved or sent."""
    return (files("office") / "static" / "paper.css").read_text(encoding="utf-8")
