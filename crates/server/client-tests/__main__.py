"""Clients of other programs against a real server with the built-in model: python client-tests GLIGEN"""

import os
import sys

import a1111_clients
import openai_package
from serving import serving


def main() -> None:
    os.environ["no_proxy"] = "*"  # The server is on this machine, whatever stands between it and the others.
    with serving(sys.argv[1]) as address:
        for module in (openai_package, a1111_clients):
            for name, check in vars(module).items():
                if name.startswith("check_"):
                    print(f"{module.__name__}: {name.removeprefix('check_').replace('_', ' ')}", flush=True)
                    check(address)


if __name__ == "__main__":
    main()
