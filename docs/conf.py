"""How Sphinx builds the documentation. See CONTRIBUTING.md."""

import importlib
import inspect
import re
from pathlib import Path

import pycnn

project = "pycnn"
author = "the authors of pycnn"
version = release = pycnn.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
exclude_patterns = ["build"]
html_theme = "furo"
html_title = f"pycnn {release}"
html_show_sphinx = False
html_copy_source = False

smartquotes = False
default_role = "literal"  # docstrings have code in single backticks
myst_heading_anchors = 3
napoleon_numpy_docstring = False
napoleon_use_rtype = False
autosummary_generate = False
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "member-order": "bysource"}

# The reference: a page for each package, from its `__all__`.
PACKAGES = (
    "pycnn", "pycnn.activations", "pycnn.applications", "pycnn.backend", "pycnn.callbacks", "pycnn.config",
    "pycnn.constraints", "pycnn.data", "pycnn.datasets", "pycnn.datasets.cifar10", "pycnn.datasets.cifar100",
    "pycnn.datasets.fashion_mnist", "pycnn.datasets.mnist", "pycnn.explain", "pycnn.filters",
    "pycnn.initializers", "pycnn.layers", "pycnn.losses", "pycnn.metrics", "pycnn.mixed_precision",
    "pycnn.models", "pycnn.nn", "pycnn.ops", "pycnn.optimizers", "pycnn.optimizers.schedules",
    "pycnn.preprocessing.image", "pycnn.random", "pycnn.regularizers", "pycnn.saving", "pycnn.sklearn",
    "pycnn.tf", "pycnn.utils", "pycnn.wrappers",
)  # fmt: skip
# Classes whose methods are listed: whether those of their bases are, too.
WITH_METHODS = {
    "pycnn.callbacks.Callback": False,
    "pycnn.data.Dataset": False,
    "pycnn.initializers.Initializer": False,
    "pycnn.layers.Layer": True,
    "pycnn.losses.Loss": False,
    "pycnn.metrics.Metric": False,
    "pycnn.models.Model": True,
    "pycnn.models.Sequential": False,
    "pycnn.optimizers.Optimizer": False,
    "pycnn.preprocessing.image.ImageDataGenerator": False,
    "pycnn.GradientTape": False,
    "pycnn.Variable": True,
    "pycnn.utils.PyDataset": False,
}
# Members by which packages of pycnn reach into each other.
INTERNAL = {
    "accessed", "as_inputs", "check_mask", "connect", "copied", "find", "forget_call", "forget_weights",
    "has_parts", "has_weights", "leaves", "may_add_losses", "note_call", "note_losses", "own_attributes",
    "own_weights", "recorded_call", "recorded_call_with_losses", "saved_class", "sublayers",
}  # fmt: skip
# Stand for a colon where napoleon would take what is before it for a type, and for a backslash.
COLON, BACKSLASH = "\ue000", "\ue001"


def is_internal(app, what, name, thing, skip, options):
    """Whether a member is left out; None where Sphinx decides."""
    return True if name in INTERNAL else None


def pages(app):
    """Writes the pages of the reference."""
    folder = Path(app.srcdir) / "api"
    for package in PACKAGES:
        (folder / f"{package}.rst").write_text(page(package))


def page(package):
    """One page: what the package says of itself, a table of its names, and each of them."""
    module = importlib.import_module(package)
    names = [name for name in getattr(module, "__all__", dir(module)) if callable(getattr(module, name))]
    homes = {name: home(package, name) for name in names}
    lines = [package, "=" * len(package), "", f".. automodule:: {package}", "   :no-members:", ""]
    lines += [f".. currentmodule:: {package}", ""]
    if names:
        table = [
            name if homes[name] == package else f"{homes[name][len('pycnn.') :]}.{name}" for name in names
        ]
        lines += [".. autosummary::", "   :nosignatures:", "", *(f"   {name}" for name in table), ""]
    for name in names:
        if homes[name] == package:
            lines += entry(f"{package}.{name}", getattr(module, name))
    return "\n".join(lines) + "\n"


def home(package, name):
    """The package on whose page a name is described: two have names of others."""
    if package not in ("pycnn", "pycnn.tf"):
        return package
    thing = getattr(importlib.import_module(package), name)
    for other in (*PACKAGES[1:], PACKAGES[0]):
        module = importlib.import_module(other)
        if name in getattr(module, "__all__", ()) and getattr(module, name) is thing:
            return other
    return package


def entry(full, thing):
    """The lines that describe a class or function."""
    if not inspect.isclass(thing):
        return [f".. autofunction:: {full}", ""]
    if full not in WITH_METHODS:
        return [f".. autoclass:: {full}", "   :no-members:", ""]
    inherited = ["   :inherited-members: object"] if WITH_METHODS[full] else []
    return [f".. autoclass:: {full}", *inherited, ""]


def constructor(app, what, name, thing, options, signature, returned):
    """The arguments of a class: those of `__init__`, as `Layer.__new__` takes any."""
    if what != "class" or signature is None:
        return None
    found = inspect.signature(thing.__init__)
    bare = [p.replace(annotation=p.empty) for p in list(found.parameters.values())[1:]]
    return str(inspect.Signature(bare)), None


def without_types(app, what, name, thing, options, lines):
    """What is returned, and what an attribute is, is said in words."""
    in_returns = what == "property"
    for i, line in enumerate(lines):
        in_returns = line.strip() == "Returns:" or (in_returns and line.strip() != "")
        if in_returns and line.strip() != "Returns:":
            lines[i] = line.replace(":", COLON)
        lines[i] = lines[i].replace("\\", BACKSLASH)


def as_plain_text(app, what, name, thing, options, lines):
    """Docstrings are plain text with code in backticks: other marks stand for themselves."""
    in_example = False
    for i, line in enumerate(lines):
        in_example = line.lstrip().startswith(">>>") or (in_example and line.strip() != "")
        lines[i] = line.replace(BACKSLASH, "\\" if in_example else "\\\\")
        if not in_example:
            parts = re.split(r"(`[^`]*`)", lines[i].replace(COLON, ":"))
            parts[::2] = [re.sub(r"(?<!\\)[*|]|(?<=\w)_(?=\W|$)", r"\\\g<0>", part) for part in parts[::2]]
            lines[i] = "".join(parts)
    for i in range(len(lines) - 1, 0, -1):
        is_code = lines[i].startswith("    ") and not lines[i].lstrip().startswith(">>>")
        if what == "module" and is_code and not lines[i - 1].strip():
            lines[i:i] = ["::", ""]


def setup(app):
    """Called by Sphinx."""
    app.connect("builder-inited", pages)
    app.connect("autodoc-skip-member", is_internal)
    app.connect("autodoc-process-signature", constructor)
    app.connect("autodoc-process-docstring", without_types, priority=100)
    app.connect("autodoc-process-docstring", as_plain_text, priority=900)  # napoleon's is 500
