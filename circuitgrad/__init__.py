"""circuitgrad: a symbolic circuit compiler that emits gradients as new circuits.

What is public is listed in ``__init__.pyi``; each name is imported on first use, so
that ``import circuitgrad`` costs next to nothing.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
