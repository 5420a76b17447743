# Of README.md, CONTRIBUTING.md ...: links to files that are not in the pages are their names.
s,\[\([A-Z][A-Z]*\)](\1),\1,g
