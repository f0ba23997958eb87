"""Prints the first block of code in a language: python .ci/readme_block.py README.md cpp"""

import re
import sys

path, language = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    found = re.search(rf"^```{language}\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
if found is None:
    sys.exit(f"{path} has no block of {language}")
print(found.group(1), end="")
