"""Start the keeper, with the word `contained` in a container, or with `stage` its part inside a bubblewrap sandbox.

Started as a file under `-I -S`, where neither the project nor its dependencies can be imported: that keeps the start
short and leaves a learner no file to plant. The packages above are therefore only named here, never executed.
"""

import os
import sys
from types import ModuleType


def _name_packages() -> None:
    isolation = __file__.rsplit(os.sep, 2)[0]
    for name, folder in (("grader", isolation.rsplit(os.sep, 1)[0]), ("grader.isolation", isolation)):
        module = ModuleType(name)
        module.__path__ = [folder]
        sys.modules[name] = module


if __name__ == "__main__":
    _name_packages()
    if sys.argv[1:2] == ["stage"]:
        from grader.isolation.keeper.stage import main
    else:
        from grader.isolation.keeper.keeper import main

        if sys.argv[1:2] == ["contained"]:
            from grader.isolation.keeper.contained import greet

            greet()
    main()
