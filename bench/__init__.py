"""The benchmark of ``rec``: every figure beside the same figure of its peers, in one run.

    python -m bench [--big] [--only NAME,NAME] [--bulk-mb N]

Nothing here is imported by the product, nothing here asserts a duration: figures are printed beside
their budgets and written to ``results/latest.json``. Machines are shared and noisy, so peers take
turns (A B A B) inside each measurement and figures are medians.

    plan       how much of everything: the default and the big run
    result     the records a measurement hands back: columns, rows, checks against budgets
    peers      the programs compared, how each is started, and in what environment
    context    what every measurement is given
    terminal   our end of a pty with a program on the other
    tools      the small program under the recorders (tool.c, or tool.py without a C compiler)
    recorded   what rec stored, asked through its own store
    many       a store with thousands of sessions
    machine    what it runs on, and how busy others keep it
    stats      medians, percentiles, turns
    bulk · echo · line · start · memory · stored · lists · search · complete · hooks    one measurement each
    load       fifty recorders at once, as a process of its own
    script     what is typed in the sessions that ``stored`` records
    report     table, colours, JSON
"""
