"""The benchmark behind `pycnn bench`.

`cases` and `applications` say what is timed, `workers` starts the processes that do it (scripts in `peers`),
`timing` times them by turns, `measures` has what only pycnn is asked for, `suite` runs it all and `report`
prints it.
"""
